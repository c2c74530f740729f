package stream

import (
	"unsafe"

	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/flow"
	"github.com/mirrorsink/mirrorsink/inspect/l7"
)

// maxPending is how many requests of a connection may wait for their responses. HTTP clients that pipeline send six to eight at a
// time.
const maxPending = 32

// request is what was read of a request, kept until its response comes.
type request struct {
	nanos  int64
	ack    uint32 // what its sender had received of the other direction
	batch  event.Batch
	fields event.Span
}

func (q *request) size() int { return int(unsafe.Sizeof(*q)) + q.batch.Size() }

// report reports the message of the hint. A request of a Paired protocol waits for its response. c is nil for datagrams.
func (t *Table) report(r *flow.Record, c *conn, m Message, seg Segment) {
	h := &t.hint
	m.Proto, m.Hint = r.Proto, h
	t.message = m
	t.handler.MessageRead(r, &t.message)
	t.message.Data = nil
	if h.Role == l7.Framing || h.Role == l7.Interim {
		return
	}
	switch {
	case c == nil || !l7.Table[r.Proto].Transactional:
		t.handler.TransactionDone(r, m.Nanos, Fields{response: h.Fields})
	case h.Role == l7.Request:
		if len(c.pending) == maxPending {
			t.emitUnanswered(r, c)
		}
		c.pending = append(c.pending, t.keep(&seg))
	case len(c.pending) == 0:
		t.handler.TransactionDone(r, m.Nanos, Fields{response: h.Fields})
	default:
		q := c.pop()
		t.handler.TransactionDone(r, m.Nanos, Fields{q, h.Fields})
		t.recycle(q)
	}
}

// emitUnanswered reports the oldest request without a response.
func (t *Table) emitUnanswered(r *flow.Record, c *conn) {
	q := c.pop()
	t.handler.TransactionDone(r, q.nanos, Fields{request: q})
	t.recycle(q)
}

// pop removes the oldest pending request.
func (c *conn) pop() *request {
	q := c.pending[0]
	c.pending = c.pending[:copy(c.pending, c.pending[1:])]
	return q
}

// keep copies the fields of a request, which came with a segment.
func (t *Table) keep(seg *Segment) *request {
	var q *request
	if n := len(t.spare); n > 0 {
		q = t.spare[n-1]
		t.spare = t.spare[:n-1]
	} else {
		q = new(request)
	}
	q.nanos = seg.Nanos
	q.ack, _ = seg.ack()
	q.fields = q.batch.CopyFields(t.hint.Fields)
	t.held += q.size()
	return q
}

// maxSpare is how many requests are kept for reuse.
const maxSpare = 1024

// recycle gives a request's memory back.
func (t *Table) recycle(q *request) {
	t.held -= q.size()
	q.batch.Reset()
	if len(t.spare) < maxSpare {
		t.spare = append(t.spare, q)
	}
}
