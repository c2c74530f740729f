package l7

import "github.com/mirrorsink/mirrorsink/decap/wire"

// helloRetryRequest is the random of a ServerHello that is a HelloRetryRequest; RFC 8446 section 4.1.3.
const helloRetryRequest = "\xcf\x21\xad\x74\xe5\x9a\x61\x11\xbe\x1d\x8c\x02\x1e\x65\xb8\x91" +
	"\xc2\xa2\x11\x16\x7a\xbb\x8c\x5e\x07\x9e\x09\xe2\xc8\xa8\x33\x9c"

// serverHello is the available part of a ServerHello (RFC 8446 section 4.1.3) of TLS or DTLS.
type serverHello struct {
	legacy  uint16
	version uint16 // chosen
	session wire.Cursor
	cipher  uint16
	exts    tlsExtensions
	retry   bool // it is a HelloRetryRequest
	whole   bool // the message is complete
	fits    bool // its parts fill it
}

// readServerHello reads the body of a ServerHello. ok is false if it does not reach the cipher suite. That of a draft up to 21 has
// neither session ID nor compression method. Draft 15 and earlier, and the variants that browsers tried out, have versions with
// which either form is possible: there the lengths decide.
func readServerHello(body wire.Cursor, whole bool) (hello serverHello, ok bool) {
	version := body
	v := version.U16()
	draft := v&^0xff == tlsDraft || v&^0xff == tlsTrial
	hello, ok = readServerHelloOf(body, whole, draft)
	if (draft || v == tls13) && whole && !hello.fits {
		if other, ok := readServerHelloOf(body, whole, !draft); ok && other.fits {
			return other, true
		}
	}
	return hello, ok
}

// readServerHelloOf reads a ServerHello of the drafts' form, or of the usual one.
func readServerHelloOf(body wire.Cursor, whole, draft bool) (hello serverHello, ok bool) {
	hello.whole = whole
	hello.legacy = body.U16()
	hello.retry = string(body.Bytes(32)) == helloRetryRequest
	if !draft {
		hello.session = body.Sub(int(body.U8()))
	}
	hello.cipher = body.U16()
	if !body.OK() || hello.session.Len() > maxTLSSessionID {
		return hello, false
	}
	if !draft {
		body.Upto(1) // compression method
	}
	hello.exts = newTLSExtensions(&body)
	hello.fits = body.OK() && body.Empty() && !hello.exts.overrun
	hello.version = hello.legacy
	if versions := hello.exts.versions; versions.Len() >= 2 {
		hello.version = versions.U16()
	}
	return hello, true
}

// resumes reports whether the server resumes a session: with a pre-shared key or, up to TLS 1.2, by an echo of the session's ID.
func (hello *serverHello) resumes(c *Conn) bool {
	return hello.exts.resumption || tlsRank(hello.version) <= tlsRank(tls12) && isEcho(c, hello.session)
}

// isEcho reports whether the server echoed the client's session ID (RFC 5246 section 7.4.1.3, RFC 5077 section 3.4). It
// compares the first bytes, which are random. From TLS 1.3 on the echo has no meaning.
func isEcho(c *Conn, session wire.Cursor) bool {
	return session.Len() >= 8 && session.Len() == int(c.Len) && session.U64() == c.Bits
}

// shows reports whether the server sends its certificate in the clear: in a full handshake up to TLS 1.2.
func (hello *serverHello) shows(c *Conn) bool {
	return hello.whole && tlsRank(hello.version) <= tlsRank(tls12) && !hello.resumes(c)
}

// print prints the server's choices.
func (hello *serverHello) print(h *Hint, c *Conn) {
	printTLSVersion(h, hello.version)
	if hello.resumes(c) {
		h.True(keySessionResumed)
	}
	hello.exts.printALPN(h, keyServerALPNs)
	hello.printJA3S(h)
	h.Object(keyServerHandshake)
	printTLSVersion(h, hello.version)
	h.Int(keyCipher, int64(hello.cipher))
	h.End()
}
