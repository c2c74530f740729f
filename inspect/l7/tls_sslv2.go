package l7

import "github.com/mirrorsink/mirrorsink/decap/wire"

const (
	sslv2       = 0x0002
	sslv2Header = 0x80 // the top bit of a two-byte record header

	sslv2Fixed        = 9 // bytes from the message type to the three lengths
	sslv2MinChallenge = 16
	sslv2MaxChallenge = 32
)

// parseSSLv2Hello reads the ClientHello of SSL 2.0, in which old clients also offered TLS (RFC 5246 appendix E.2). All lengths
// must agree, since few of its bytes are fixed.
func parseSSLv2Hello(h *Hint, c *Conn, in Input) Verdict {
	r := wire.New(in.Data)
	n := r.Len()
	size := int(r.U16() &^ (sslv2Header << 8))
	typ, version := r.U8(), r.U16()
	suites, session, challenge := int(r.U16()), int(r.U16()), int(r.U16())
	whole := n >= 2+size && r.OK()
	ciphers := r.Upto(suites)
	switch {
	case n >= 3 && typ != tlsClientHello,
		n >= 5 && version != sslv2 && version>>8 != 3,
		n >= 2+sslv2Fixed && (size != sslv2Fixed+suites+session+challenge || !sslv2Lengths(suites, session, challenge)):
		return Reject
	case !whole && !in.Final:
		return More
	case ciphers.Len() < 3:
		return Reject
	}
	h.Role, h.Next = Request, Stop
	c.Mode[in.Side&1] = tlsGreeted
	printSSLv2Hello(h, version, ciphers)
	return Done
}

func sslv2Lengths(suites, session, challenge int) bool {
	return suites > 0 && suites%3 == 0 && (session == 0 || session == 16) &&
		challenge >= sslv2MinChallenge && challenge <= sslv2MaxChallenge
}

func printSSLv2Hello(h *Hint, version uint16, ciphers wire.Cursor) {
	h.Object(keyClientHandshake)
	printTLSVersion(h, version)
	h.Array(keyCiphers)
	for i := 0; ciphers.Len() >= 3 && i < maxTLSList; i++ {
		h.Int(element, int64(ciphers.U24()))
	}
	h.End()
	h.End()
}
