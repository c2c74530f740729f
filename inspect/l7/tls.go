package l7

import "github.com/mirrorsink/mirrorsink/decap/wire"

// TLS (RFC 8446, RFC 5246 and before). A ClientHello and its ServerHello make one event, with the server's certificate up to
// TLS 1.2. The rest of the connection is not read.
//
// A HelloRetryRequest (RFC 8446 section 4.1.4) is an Interim response: the ServerHello comes after the client's second hello. The
// second hello is not read. It must repeat the name of the first (section 4.1.2); with another name there is no connection.
//
// Conn.Mode is what was seen of each side. Bits and Len are the start and the length of the client's session ID. Left is not
// used.

// Values of Conn.Mode.
const (
	tlsNothing uint8 = iota
	tlsGreeted       // a ClientHello
	tlsRetried       // a HelloRetryRequest
)

// Content types of records; RFC 8446 section 5.1.
const (
	tlsChangeCipherSpec = 20
	tlsAlert            = 21
	tlsHandshake        = 22
	tlsApplicationData  = 23
	tlsHeartbeat        = 24 // RFC 6520 section 3
)

// Handshake message types; RFC 8446 section 4.
const (
	tlsClientHello = 1
	tlsServerHello = 2
	tlsRetry       = 6 // HelloRetryRequest, up to draft 21 of TLS 1.3
	tlsCertificate = 11
)

const (
	tlsRecordHeader    = 5
	tlsHandshakeHeader = 4
	maxTLSRecord       = 1 << 14 // bytes of plaintext; RFC 8446 section 5.1

	// The shortest hello is SSL 3.0's ServerHello: version, random, empty session ID, cipher suite, compression method.
	minTLSHello = 2 + 32 + 1 + 2 + 1
	// The size of a hello is bounded by those of its parts, of which only the extensions can be large.
	maxTLSHello = 1<<16 + 1<<10
)

func parseTLS(h *Hint, c *Conn, in Input) Verdict {
	first := wire.New(in.Data)
	typ := first.U8()
	switch {
	case !first.OK():
		return moreUnless(in.Final)
	case typ == tlsHandshake:
		return parseTLSHello(h, c, in)
	case typ == tlsAlert && c.Mode[1^in.Side&1] == tlsGreeted:
		return parseTLSAlert(h, in)
	case typ == tlsChangeCipherSpec && c.Mode[in.Side&1] == tlsRetried:
		return parseTLSCompat(h, in)
	case typ&sslv2Header != 0:
		return parseSSLv2Hello(h, c, in)
	case typ == tdsPrelogin:
		return parseTLSInTDS(h, c, in)
	}
	return Reject
}

// parseTLSInTDS reads a message whose records are carried in packets of TDS.
func parseTLSInTDS(h *Hint, c *Conn, in Input) Verdict {
	records, ended, ok := tdsUnwrap(h, in.Data)
	first := wire.New(records)
	typ := first.U8()
	switch {
	case !ok, first.OK() && typ != tlsHandshake && typ != tlsAlert && typ != tlsChangeCipherSpec:
		return Reject
	case !first.OK():
		return moreUnless(in.Final)
	}
	wrapped := in.Data
	in.Data, in.Final = records, in.Final || ended
	v := parseTLS(h, c, in)
	if v == Done && h.Next > 0 {
		h.Next = tdsOffset(wrapped, h.Next)
	}
	return v
}

// beginsTLS requires a hello, with which both sides begin.
func beginsTLS(b []byte) bool {
	r := wire.New(b)
	if r.U8() == tdsPrelogin {
		r.Skip(tdsHeader - 1)
	} else {
		r = wire.New(b)
	}
	body, ok := tlsRecord(&r, tlsHandshake)
	typ, size, version := body.U8(), body.U24(), body.U16()
	return ok && (typ == tlsClientHello || typ == tlsServerHello) && tlsHelloSize(size) && tlsHelloVersion(version)
}

func tlsHelloSize(n uint32) bool { return n >= minTLSHello && n <= maxTLSHello }

// tlsRecord reads the available part of a record of the given type. It is false if that cannot be one.
func tlsRecord(r *wire.Cursor, want uint8) (body wire.Cursor, ok bool) {
	n := r.Len()
	typ, major, minor, size := r.U8(), r.U8(), r.U8(), int(r.U16())
	switch {
	case n >= 1 && typ != want,
		n >= 2 && major != 3,
		n >= 3 && minor > 4,
		n >= tlsRecordHeader && (size == 0 || size > maxTLSRecord):
		return body, false
	}
	return r.Upto(size), true
}

func parseTLSHello(h *Hint, c *Conn, in Input) Verdict {
	messages := tlsMessages{h: h, records: wire.New(in.Data)}
	msg, ok := messages.next()
	m := wire.New(msg)
	n := m.Len()
	typ, size := m.U8(), m.U24()
	body := m.Upto(int(size))
	version := body // a copy, since the hello reads it again
	switch {
	case n >= 1 && typ == tlsRetry && c.Mode[1^in.Side&1] == tlsGreeted:
		return parseTLSRetry(h, c, in, &messages, ok && size <= maxTLSRecord, tlsWhole(msg))
	case !ok,
		n >= 1 && typ != tlsClientHello && typ != tlsServerHello,
		n >= tlsHandshakeHeader && !tlsHelloSize(size),
		n >= tlsHandshakeHeader+2 && !tlsHelloVersion(version.U16()):
		return Reject
	case !tlsWhole(msg) && !in.Final:
		return More
	case typ == tlsClientHello:
		return parseTLSClient(h, c, in.Side&1, body, tlsWhole(msg))
	}
	hello, ok := readServerHello(body, tlsWhole(msg))
	switch {
	case !ok:
		return Reject
	case hello.retry:
		c.Mode[in.Side&1] = tlsRetried
		h.Role, h.Next = Interim, len(in.Data)-messages.records.Len()
		return Done
	}
	return parseTLSServer(h, c, &hello, &messages, in.Final)
}

// parseTLSRetry reads the HelloRetryRequest of a draft of TLS 1.3, which is a message of its own. Nothing in it is printed.
func parseTLSRetry(h *Hint, c *Conn, in Input, messages *tlsMessages, ok, whole bool) Verdict {
	switch {
	case !ok:
		return Reject
	case !whole:
		return moreUnless(in.Final)
	}
	c.Mode[in.Side&1] = tlsRetried
	h.Role, h.Next = Interim, len(in.Data)-messages.records.Len()
	return Done
}

func parseTLSClient(h *Hint, c *Conn, side uint8, body wire.Cursor, whole bool) Verdict {
	hello, ok := readClientHello(body, whole, false)
	if !ok {
		return Reject
	}
	h.Role, h.Next = Request, Stop
	c.Mode[side] = tlsGreeted
	c.Len, c.Bits = uint8(hello.session.Len()), hello.session.U64()
	hello.print(h, 't')
	return Done
}

// parseTLSServer reads a ServerHello, and waits for the certificate behind it if there must be one.
func parseTLSServer(h *Hint, c *Conn, hello *serverHello, messages *tlsMessages, final bool) Verdict {
	var cert certificate
	if hello.shows(c) {
		var ok bool
		if cert, ok = messages.certificate(final); !ok {
			return More
		}
	}
	h.Role, h.Next = Response, Stop
	hello.print(h, c)
	cert.print(h)
	return Done
}

// Alert levels, and the one warning that ends a connection; RFC 5246 section 7.2.
const (
	tlsWarning     = 1
	tlsFatal       = 2
	tlsCloseNotify = 0
)

// parseTLSAlert reads an alert that a server sent instead of its hello. The hello may still follow a warning, which some
// servers send if they do not know the name (RFC 6066 section 3).
func parseTLSAlert(h *Hint, in Input) Verdict {
	r := wire.New(in.Data)
	body, ok := tlsRecord(&r, tlsAlert)
	level, description := body.U8(), body.U8()
	switch {
	case !ok, !body.Empty(), !body.OK() && !r.Empty():
		return Reject
	case !body.OK():
		return moreUnless(in.Final)
	case level == tlsWarning && description != tlsCloseNotify:
		h.Role, h.Next = Interim, len(in.Data)-r.Len()
		return Done
	case level != tlsWarning && level != tlsFatal:
		return Reject
	}
	h.Role, h.Next = Response, Stop
	h.Object(keyAlert)
	h.Extra()
	h.Int(keyLevel, int64(level))
	h.Int(keyDescription, int64(description))
	h.End()
	return Done
}

// parseTLSCompat reads the ChangeCipherSpec that follows a HelloRetryRequest for compatibility with middleboxes (RFC 8446
// appendix D.4).
func parseTLSCompat(h *Hint, in Input) Verdict {
	r := wire.New(in.Data)
	body, ok := tlsRecord(&r, tlsChangeCipherSpec)
	body.U8()
	switch {
	case !ok, !body.Empty():
		return Reject
	case !body.OK():
		return moreUnless(in.Final)
	}
	h.Next = len(in.Data) - r.Len()
	return Done
}

// Keys of the fields.
var (
	keyAlert           = KeyOf("alert")
	keyCipher          = KeyOf("cipher")
	keyCiphers         = KeyOf("ciphers")
	keyClientHandshake = KeyOf("client_handshake")
	keyDescription     = KeyOf("description")
	keyECH             = KeyOf("ech")
	keyIssuerDN        = KeyOf("issuerdn")
	keyJA3             = KeyOf("ja3")
	keyJA3S            = KeyOf("ja3s")
	keyJA4             = KeyOf("ja4")
	keyLevel           = KeyOf("level")
	keyNotafter        = KeyOf("notafter")
	keyNotbefore       = KeyOf("notbefore")
	keyServerALPNs     = KeyOf("server_alpns")
	keyServerHandshake = KeyOf("server_handshake")
	keySessionResumed  = KeyOf("session_resumed")
	keySubject         = KeyOf("subject")
	keySubjectAltName  = KeyOf("subjectaltname")
)
