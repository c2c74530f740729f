package l7

import "github.com/mirrorsink/mirrorsink/decap/wire"

// clientHello is the available part of a ClientHello (RFC 8446 section 4.1.2) of TLS, DTLS or QUIC.
type clientHello struct {
	version uint16 // legacy_version
	random  []byte
	session wire.Cursor
	ciphers wire.Cursor
	exts    tlsExtensions
	whole   bool // the message is complete and its lists fit into it, so that it has a fingerprint
}

// readClientHello reads the body of a ClientHello. ok is false if it does not have at least one cipher suite. With dtls a
// cookie precedes the cipher suites (RFC 6347 section 4.2.1).
func readClientHello(body wire.Cursor, whole, dtls bool) (hello clientHello, ok bool) {
	hello.version = body.U16()
	hello.random = body.Bytes(32)
	hello.session = body.Sub(int(body.U8()))
	if dtls {
		body.Skip(int(body.U8()))
	}
	size := int(body.U16())
	hello.ciphers = body.Upto(size)
	if !body.OK() || hello.session.Len() > maxTLSSessionID || size%2 != 0 || hello.ciphers.Len() < 2 {
		return hello, false
	}
	methods := int(body.U8()) // of compression
	fits := body.OK() && methods <= body.Len()
	body.Upto(methods)
	hello.exts = newTLSExtensions(&body)
	hello.whole = whole && fits && hello.ciphers.Len() == size && !hello.exts.overrun && !hello.exts.listOverruns()
	return hello, true
}

// name sets the flow's name to the one that the client asks for, and prints it as sent. With ECH it may be the name of the
// server's operator and not of the server.
func (hello *clientHello) name(h *Hint, source NameSource) {
	h.ECH = hello.exts.echClass()
	name := hello.exts.hostName()
	if len(name) == 0 {
		return
	}
	h.Str(keySNI, name)
	if isHostLike(name) {
		h.Name, h.NameSource = name, source
	}
}

// highest returns the highest version that a client offers, in supported_versions or else in its hello.
func (hello *clientHello) highest() uint16 {
	version := hello.version
	for list := u8List(hello.exts.versions); list.Len() >= 2; {
		if v := list.U16(); !isGREASE(v) && tlsRank(v) > tlsRank(version) {
			version = v
		}
	}
	return version
}

// print prints a hello of TLS or DTLS. transport is JA4's letter.
func (hello *clientHello) print(h *Hint, transport byte) {
	hello.name(h, SNI)
	hello.exts.printALPN(h, keyClientALPNs)
	hello.printJA3(h)
	hello.printJA4(h, transport)
	hello.printHandshake(h)
	hello.printECH(h)
}

// printHandshake prints the highest version that the client offers. The lists of numbers, which would be most of the event, are
// in JA3's string already.
func (hello *clientHello) printHandshake(h *Hint) {
	h.Object(keyClientHandshake)
	printTLSVersion(h, hello.highest())
	h.End()
}

// isHostLike reports whether a name can be that of a flow. A client may send any bytes as its SNI. They are printed, but a name
// that is longer than a host name, or has spaces or control characters, does not become the flow's name.
func isHostLike(name []byte) bool {
	for _, b := range name {
		if b <= ' ' || b == 0x7f {
			return false
		}
	}
	return len(name) <= 255
}
