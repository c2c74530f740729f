package l7

import "github.com/mirrorsink/mirrorsink/decap/wire"

// clientHello is a ClientHello (RFC 8446 section 4.1.2) as far as it is there, of TLS, DTLS or QUIC.
type clientHello struct {
	version uint16 // legacy_version
	session wire.Cursor
	ciphers wire.Cursor
	exts    tlsExtensions
	whole   bool // nothing of the message is missing: a fingerprint can be taken
}

// readClientHello reads the body of a ClientHello; ok is false if it is none. It is one if it has at least one cipher
// suite. dtls says that a cookie stands before the cipher suites (RFC 6347 section 4.2.1).
func readClientHello(body wire.Cursor, whole, dtls bool) (hello clientHello, ok bool) {
	hello.whole = whole
	hello.version = body.U16()
	body.Skip(32) // random
	hello.session = body.Sub(int(body.U8()))
	if dtls {
		body.Skip(int(body.U8()))
	}
	size := int(body.U16())
	hello.ciphers = body.Upto(size)
	if !body.OK() || hello.session.Len() > maxTLSSessionID || size%2 != 0 || hello.ciphers.Len() < 2 {
		return hello, false
	}
	body.Upto(int(body.U8())) // compression methods
	hello.exts = newTLSExtensions(&body)
	return hello, true
}

// name gives the flow the name that the client asks for, and prints it as sent. With ECH it may be the name of who runs
// the server, and not the server's.
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

// highest returns the highest version that a client offers: of supported_versions if it sends any.
func (hello *clientHello) highest() uint16 {
	version := hello.version
	for list := u8List(hello.exts.versions); list.Len() >= 2; {
		if v := list.U16(); !isGREASE(v) && tlsRank(v) > tlsRank(version) {
			version = v
		}
	}
	return version
}

// print prints what a client says to a TLS or DTLS server. transport is JA4's letter.
func (hello *clientHello) print(h *Hint, transport byte) {
	hello.name(h, SNI)
	hello.exts.printALPN(h, keyClientALPNs)
	hello.printJA3(h)
	hello.printJA4(h, transport)
	hello.printHandshake(h)
	hello.printECH(h)
}

// printHandshake prints the highest version that the client offers. Its lists of numbers are in JA3's string already, and
// would be most of the event.
func (hello *clientHello) printHandshake(h *Hint) {
	h.Object(keyClientHandshake)
	printTLSVersion(h, hello.highest())
	h.End()
}

// isHostLike reports whether a name may name a flow. A client may send any bytes as its SNI; they are printed as they are,
// but what is longer than a host name, or has spaces or control characters, is not taken for one.
func isHostLike(name []byte) bool {
	for _, b := range name {
		if b <= ' ' || b == 0x7f {
			return false
		}
	}
	return len(name) <= 255
}
