package forward

import (
	"github.com/mirrorsink/mirrorsink/inspect/flow"
	"github.com/mirrorsink/mirrorsink/inspect/l7"
	"github.com/mirrorsink/mirrorsink/inspect/stream"
)

// httpBody is where the body of an HTTP/1 message lies, by side.
type httpBody struct {
	body [2]uint32 // the sequence number from which on there is only body
	next [2]uint32 // the sequence number of the next message
}

// maxBody is the longest body that is followed by its length. Sequence numbers wrap at 4 GiB, and a position half of that
// ahead could not be told from one behind.
const maxBody = 1 << 30

// noteHTTP notes where the body after a message is: from the end of the parsed bytes to the next message.
func (f *flowState) noteHTTP(m *stream.Message) {
	side, next := m.Side, m.Hint.Next
	sized := f.isSized(m)
	f.flags &^= (bodySized | bodyUntilClose) << side
	seen := len(m.Data)
	f.body[side] = m.Seq + uint32(seen)
	f.next[side] = f.body[side]
	if !sized {
		return
	}
	f.flags |= bodySized << side
	switch {
	case next == l7.Stop:
		f.flags |= bodyUntilClose << side
	case next > seen && next <= maxBody:
		f.next[side] = m.Seq + uint32(next)
	}
}

// isSized reports whether the length of the body after a message is known. The length of a response depends on its request.
// A chunk header changes nothing.
func (f *flowState) isSized(m *stream.Message) bool {
	switch m.Hint.Role {
	case l7.Request:
		return true
	case l7.Response:
		return m.Requested
	case l7.Framing:
		return f.flags&(bodySized<<m.Side) != 0
	default:
		return false
	}
}

// inBody reports whether a segment lies wholly in a body. The parser must be waiting for the next message at the end of
// that body: otherwise it has lost its position, or its memory, and nothing is certain.
func (s *Selector) inBody(r *flow.Record, f *flowState, p *Packet) bool {
	side := p.Side
	if f.flags&(bodyUntilClose<<side) != 0 {
		return isPast(&f.body[side], p.Seq)
	}
	size, off := f.next[side]-f.body[side], p.Seq-f.body[side]
	if off >= size || uint32(p.PayloadLen) > size-off {
		return false
	}
	proto, next, ok := s.Streams.NextMessage(r, side)
	return ok && l7.Table[proto].Bypass == l7.BypassBody && next == f.next[side]
}
