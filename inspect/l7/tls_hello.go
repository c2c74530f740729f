package l7

import "github.com/mirrorsink/mirrorsink/decap/wire"

// Extensions that are read; IANA's registry "TLS ExtensionType Values".
const (
	extServerName        = 0
	extSignatureAlgs     = 13
	extALPN              = 16
	extPreSharedKey      = 41
	extSupportedVersions = 43
)

const (
	maxTLSSessionID = 32  // bytes; RFC 5246 section 7.4.1.2
	maxTLSList      = 512 // values of one list that are printed: more than there are cipher suites
)

// tlsExtensions is what a hello's extensions say. Its cursors are at the extensions' bodies.
type tlsExtensions struct {
	all        wire.Cursor
	serverName wire.Cursor
	alpn       wire.Cursor
	sigAlgs    wire.Cursor
	versions   wire.Cursor
	resumption bool // pre_shared_key: by a server, the session is resumed
}

// newTLSExtensions reads the extensions of a hello, as far as they are there. Of an extension that comes twice, which is
// forbidden, the first counts.
func newTLSExtensions(hello *wire.Cursor) tlsExtensions {
	all := hello.Upto(int(hello.U16()))
	e := tlsExtensions{all: all}
	for c := all; c.Len() >= 4; {
		typ, body := c.U16(), c.Upto(int(c.U16()))
		switch {
		case typ == extServerName && e.serverName.Empty():
			e.serverName = body
		case typ == extSignatureAlgs && e.sigAlgs.Empty():
			e.sigAlgs = body
		case typ == extALPN && e.alpn.Empty():
			e.alpn = body
		case typ == extSupportedVersions && e.versions.Empty():
			e.versions = body
		case typ == extPreSharedKey:
			e.resumption = true
		}
	}
	return e
}

// print prints the types of the extensions in their order.
func (e *tlsExtensions) print(h *Hint) {
	mark := h.openList("exts")
	for c, n := e.all, 0; c.Len() >= 4 && n < maxTLSList; n++ {
		typ := c.U16()
		c.Upto(int(c.U16()))
		if !isGREASE(typ) {
			h.Int("", int64(typ))
		}
	}
	h.closeList(mark)
}

// hostName returns the first host name of a server_name extension (RFC 6066 section 3), nil if it has none that is all
// there.
func (e *tlsExtensions) hostName() []byte {
	for list := e.serverName.Upto(int(e.serverName.U16())); !list.Empty(); {
		typ, name := list.U8(), list.Bytes(int(list.U16()))
		if list.OK() && typ == 0 {
			return name
		}
	}
	return nil
}

// printALPN prints an ALPN extension's protocols (RFC 7301 section 3.1).
func (e *tlsExtensions) printALPN(h *Hint, key string) {
	mark := h.openList(key)
	list := e.alpn.Upto(int(e.alpn.U16()))
	for n := 0; !list.Empty() && n < maxTLSList; n++ {
		name := list.Bytes(int(list.U8()))
		if len(name) > 0 {
			h.Str("", name)
		}
	}
	h.closeList(mark)
}

// printU16s prints a list of numbers without its GREASE.
func printU16s(h *Hint, key string, list wire.Cursor) {
	mark := h.openList(key)
	for n := 0; list.Len() >= 2 && n < maxTLSList; n++ {
		if v := list.U16(); !isGREASE(v) {
			h.Int("", int64(v))
		}
	}
	h.closeList(mark)
}

// printClientHello reads a ClientHello as far as it is there. It is one if it has at least one cipher suite.
func printClientHello(h *Hint, c *Conn, side uint8, hello wire.Cursor) Verdict {
	version := hello.U16()
	hello.Skip(32) // random
	session := hello.Sub(int(hello.U8()))
	size := int(hello.U16())
	ciphers := hello.Upto(size)
	if !hello.OK() || session.Len() > maxTLSSessionID || size%2 != 0 || ciphers.Len() < 2 {
		return Reject
	}
	hello.Upto(int(hello.U8())) // compression methods
	exts := newTLSExtensions(&hello)

	h.Role, h.Next = Request, Stop
	c.Mode[side] = tlsGreeted
	c.Len, c.Bits = uint8(session.Len()), session.U64()
	if name := exts.hostName(); len(name) > 0 {
		h.Str("sni", name)
		if isHostLike(name) {
			h.Name, h.NameSource = name, SNI
		}
	}
	exts.printALPN(h, "client_alpns")
	h.Object("client_handshake")
	printTLSVersion(h, exts.highest(version))
	printU16s(h, "ciphers", ciphers)
	exts.print(h)
	printU16s(h, "sig_algs", exts.sigAlgs.Upto(int(exts.sigAlgs.U16())))
	h.End()
	return Done
}

// highest returns the highest version that a client offers: of supported_versions if it sends any.
func (e *tlsExtensions) highest(version uint16) uint16 {
	for list := e.versions.Upto(int(e.versions.U8())); list.Len() >= 2; {
		if v := list.U16(); !isGREASE(v) && tlsRank(v) > tlsRank(version) {
			version = v
		}
	}
	return version
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

// helloRetryRequest is the random by which a ServerHello is a HelloRetryRequest; RFC 8446 section 4.1.3.
const helloRetryRequest = "\xcf\x21\xad\x74\xe5\x9a\x61\x11\xbe\x1d\x8c\x02\x1e\x65\xb8\x91" +
	"\xc2\xa2\x11\x16\x7a\xbb\x8c\x5e\x07\x9e\x09\xe2\xc8\xa8\x33\x9c"

// printServerHello reads a ServerHello as far as it is there: up to the cipher suite at least. next is where its record
// ends.
func printServerHello(h *Hint, c *Conn, side uint8, hello wire.Cursor, next int) Verdict {
	version, random := hello.U16(), hello.Bytes(32)
	var session wire.Cursor
	if version <= tls13 { // early drafts of TLS 1.3 have neither session ID nor compression method
		session = hello.Sub(int(hello.U8()))
	}
	cipher := hello.U16()
	if !hello.OK() || session.Len() > maxTLSSessionID {
		return Reject
	}
	if string(random) == helloRetryRequest {
		c.Mode[side] = tlsRetried
		h.Role, h.Next = Interim, next
		return Done
	}
	if version <= tls13 {
		hello.Upto(1) // compression method
	}
	exts := newTLSExtensions(&hello)
	if v := exts.versions.U16(); exts.versions.OK() {
		version = v
	}
	h.Role, h.Next = Response, Stop
	printTLSVersion(h, version)
	if exts.resumption || tlsRank(version) <= tlsRank(tls12) && isEcho(c, session) {
		h.True("session_resumed")
	}
	exts.printALPN(h, "server_alpns")
	h.Object("server_handshake")
	printTLSVersion(h, version)
	h.Int("cipher", int64(cipher))
	exts.print(h)
	h.End()
	return Done
}

// isEcho reports whether the server took up the client's session (RFC 5246 section 7.4.1.3, RFC 5077 section 3.4) by the
// first bytes of its ID, which are random. From TLS 1.3 on the echo means nothing.
func isEcho(c *Conn, session wire.Cursor) bool {
	return session.Len() >= 8 && session.Len() == int(c.Len) && session.U64() == c.Bits
}
