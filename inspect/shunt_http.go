package inspect

import (
	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/flow"
	"github.com/mirrorsink/mirrorsink/inspect/l7"
)

// bodySize reports whether the size of a body is known that follows a message of HTTP: that of a response depends on its request.
// A line between the pieces of a body says nothing new.
func (w *Worker) bodySize(c *course, t *talk, s flow.Side) (known bool) {
	switch w.hint.Role {
	case l7.Request:
		return true
	case l7.Response:
		return len(t.pending) > 0
	case l7.Framing:
		return c.flags&(bodySized<<s) != 0
	default:
		return false
	}
}

// noteBody takes down where the body is that follows a message at base, of which its parser saw so many bytes: what lies behind
// those and before the next message is nothing but body.
func (c *course) noteBody(s flow.Side, base uint32, seen int, sized bool, next int) {
	c.flags &^= (bodySized | bodyUntilClose) << s
	c.body[s], c.behind[s] = base+uint32(seen), base+uint32(seen)
	if !sized {
		return
	}
	c.flags |= bodySized << s
	switch {
	case next == l7.Stop:
		c.flags |= bodyUntilClose << s
	case next > seen && next <= maxSkip:
		c.behind[s] = base + uint32(next)
	}
}

// inBody reports whether a segment lies wholly in a body. The place where the next message begins must be the one for which the
// parser waits: if it has lost its place, or its memory, nothing is known.
func (w *Worker) inBody(r *flow.Record, c *course, s flow.Side, p *decap.Packet) bool {
	if c.flags&(bodyUntilClose<<s) != 0 {
		return isPast(&c.body[s], p.Seq)
	}
	size, off := c.behind[s]-c.body[s], p.Seq-c.body[s]
	if off >= size || uint32(p.PayloadLen) > size-off {
		return false
	}
	t := w.talks.at(r.Stream)
	if t == nil || l7.Table[t.proto].Bypass != l7.BypassBody {
		return false
	}
	h := &t.half[s]
	return h.mode == reading && h.win.Opened() && h.win.Base() == c.behind[s]
}
