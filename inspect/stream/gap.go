package stream

import (
	"github.com/mirrorsink/mirrorsink/inspect/flow"
	"github.com/mirrorsink/mirrorsink/inspect/l7"
)

// How long bytes wait behind a gap, in nanoseconds of packet time. If the peer has acknowledged what is missing, the copy can only be
// late: load balancers reorder by milliseconds. If not, a retransmission may come (RFC 6298: after 1 s at the start of a
// connection, twice that the second time).
const (
	copyTimeout       = 50e6
	retransmitTimeout = 3e9
)

// skipOldGaps skips the gaps that will not be filled.
func (t *Table) skipOldGaps(r *flow.Record, c *conn, nanos int64) {
	for s := range c.direction {
		d := &c.direction[s]
		switch {
		case !d.buf.HasGap():
			d.gapSince, d.acked = 0, false
		case d.gapSince == 0:
			d.gapSince = nanos
		case d.acked && nanos-d.gapSince > copyTimeout || nanos-d.gapSince > retransmitTimeout:
			t.skipGap(r, c, Segment{Side: flow.Side(s), Nanos: nanos})
		}
	}
}

// skipGap stops waiting for the bytes of a gap: it makes the best of those before it, and continues at a segment behind it that begins
// like a message.
func (t *Table) skipGap(r *flow.Record, c *conn, seg Segment) {
	d := &c.direction[seg.Side]
	if d.mode == reading && d.buf.Doubts() {
		if d.Give(&t.pool) {
			t.readBelieved(r, c, seg.Side)
			return
		}
		if seg.Packet == nil && !d.buf.HasGap() {
			return // nothing waits for what was dropped
		}
	}
	t.flushFront(r, c, seg)
	if d.mode == stopped {
		return
	}
	d.buf.Consume(len(d.buf.Bytes()), &t.pool)
	if d.buf.Seek(c.begins, &t.pool) {
		c.restart(seg.Side)
		t.read(r, c, seg)
		return
	}
	d.mode = seeking
}

// flushFront gives a direction's contiguous bytes to the parsers for the last time: nothing will follow them.
func (t *Table) flushFront(r *flow.Record, c *conn, seg Segment) {
	d := &c.direction[seg.Side]
	data := d.buf.Bytes()
	if d.mode != reading || len(data) == 0 {
		return
	}
	verdict := t.parse(c, seg.Side, data, true)
	if verdict != l7.Done && d.takeOther(&t.pool) {
		verdict = t.parse(c, seg.Side, data, true)
	}
	if verdict == l7.Done {
		next := t.hint.Next
		t.done(r, c, seg, Message{Seq: d.buf.Base(), Data: data, Partial: true})
		if next == l7.Stop {
			t.advance(c, seg.Side, next)
		}
	}
}

// resync looks for the next message in a direction whose bytes are not what was expected there.
func (t *Table) resync(c *conn, s flow.Side) {
	d := &c.direction[s]
	d.buf.Consume(1, &t.pool) // so that the same segment is not found again
	if d.buf.Seek(c.begins, &t.pool) {
		c.restart(s)
		return
	}
	d.mode = seeking
}

// resyncFromACK finds the other direction's place again if the sender of a message has received bytes of it of which no copy came: in
// a conversation of questions and answers the next message starts where the sender's acknowledgment ends. If the sender is the
// client, its earlier requests were answered in those bytes.
func (t *Table) resyncFromACK(r *flow.Record, c *conn, seg Segment) {
	ack, ok := seg.ack()
	if !ok {
		return
	}
	o := 1 - seg.Side
	d := &c.direction[o]
	ahead := ack - d.buf.End()
	missing := d.mode == reading && d.buf.Opened() && ahead != 0 && ahead <= flow.MaxAck
	if d.mode != seeking && !missing {
		return
	}
	d.buf.Close(&t.pool)
	c.restart(o)
	d.buf.Open(ack, true)
	if t.hint.Role != l7.Request {
		return
	}
	for len(c.pending) > 0 && int32(ack-c.pending[0].ack) > 0 {
		t.emitUnanswered(r, c)
		c.parser.Bits, c.parser.Len = 0, 0 // it held what the parser knew of those requests
	}
}

// far is the first segment of a direction that lies beyond its buffer. It does not displace what is waited for: the receiver cannot use it
// either before that has come.
type far struct {
	since int64  // its time; 0 if there is none
	seq   uint32 // its sequence number
	acked bool   // the peer has the bytes before it
}

// wait reports whether the bytes before a segment beyond the buffer, which has bytes up to end, are still waited for.
func (f *far) wait(end, seq uint32, nanos int64) bool {
	if f.since == 0 || int32(end-f.seq) >= 0 {
		*f = far{since: max(nanos, 1), seq: seq}
	}
	return !f.acked && nanos-f.since <= retransmitTimeout
}
