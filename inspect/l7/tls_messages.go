package l7

import "github.com/mirrorsink/mirrorsink/decap/wire"

// tlsMessages reads the handshake messages at the start of a direction, over the boundaries of records (RFC 8446 section 5.1).
type tlsMessages struct {
	h       *Hint // messages that span records are joined in its scratch
	records wire.Cursor
	rest    []byte // of the last record, after the last message
}

// next returns the available part of the next message. more is false if the next record is no handshake record, so that the
// rest of the message will not come.
func (m *tlsMessages) next() (msg []byte, more bool) {
	msg, m.rest = m.rest, nil
	start := -1
	for !tlsWhole(msg) {
		if m.records.Empty() {
			return msg, true
		}
		body, ok := tlsRecord(&m.records, tlsHandshake)
		switch {
		case !ok:
			return msg, false
		case len(msg) == 0:
			msg = body.Rest()
			continue
		case start < 0:
			start = len(m.h.scratch)
			m.h.scratch = append(m.h.scratch, msg...)
		}
		m.h.scratch = append(m.h.scratch, body.Rest()...)
		msg = m.h.since(start)
	}
	size := tlsMessageSize(msg)
	m.rest = msg[size:]
	return msg[:size:size], true
}

// tlsMessageSize returns the size of a handshake message, whose header must be complete.
func tlsMessageSize(msg []byte) int {
	m := wire.New(msg)
	m.U8()
	return tlsHandshakeHeader + int(m.U24())
}

// tlsWhole reports whether a handshake message is complete.
func tlsWhole(msg []byte) bool {
	return len(msg) >= tlsHandshakeHeader && len(msg) >= tlsMessageSize(msg)
}

// certificate reads the server's certificate, the first of its Certificate message (RFC 5246 section 7.4.2). It is empty if the
// next message is another one. ok is false as long as the certificate is incomplete and more of it may come.
func (m *tlsMessages) certificate(final bool) (cert certificate, ok bool) {
	msg, more := m.next()
	r := wire.New(msg)
	n := r.Len()
	typ, size, list, first := r.U8(), r.U24(), r.U24(), r.U24()
	switch {
	case n >= 1 && typ != tlsCertificate,
		n >= tlsHandshakeHeader+3 && (list+3 != size || list <= 3),
		n >= tlsHandshakeHeader+3+3 && (first == 0 || first+3 > list):
		return certificate{}, true
	case r.OK() && r.Len() >= int(first):
		return readCertificate(r.Bytes(int(first)), true), true
	}
	return readCertificate(r.Rest(), false), final || !more
}
