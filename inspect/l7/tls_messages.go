package l7

import "github.com/mirrorsink/mirrorsink/decap/wire"

// tlsMessages reads the handshake messages that a direction begins with, whatever records they are cut into (RFC 8446
// section 5.1).
type tlsMessages struct {
	h       *Hint // in whose scratch messages are joined that no record has whole
	records wire.Cursor
	rest    []byte // of the last record, behind the last message
}

// next returns the next message, or what is there of it. more is false if something else than a handshake record follows,
// so that there will never be more of it.
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

// tlsMessageSize returns the size of a handshake message whose header is there.
func tlsMessageSize(msg []byte) int {
	m := wire.New(msg)
	m.U8()
	return tlsHandshakeHeader + int(m.U24())
}

// tlsWhole reports whether a handshake message is all there.
func tlsWhole(msg []byte) bool {
	return len(msg) >= tlsHandshakeHeader && len(msg) >= tlsMessageSize(msg)
}

// certificate reads the server's certificate, the first of its Certificate message (RFC 5246 section 7.4.2). It is empty if
// another message follows. ok is false as long as it is not all there and more may come.
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
