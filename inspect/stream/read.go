package stream

import (
	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/flow"
	"github.com/mirrorsink/mirrorsink/inspect/l7"
)

// read gives a direction's contiguous bytes to the parsers, message by message.
func (t *Table) read(r *flow.Record, c *conn, seg Segment) {
	d := &c.direction[seg.Side]
	for d.mode == reading {
		data := d.buf.Bytes()
		if len(data) == 0 {
			return
		}
		final := len(data) >= maxBuffered || d.truncated && d.buf.End() == d.truncAt
		if !final && d.repeats.postpone(len(data), &seg) {
			return
		}
		switch t.parse(c, seg.Side, data, final) {
		case l7.More:
			d.repeats.inVain(len(data))
			return
		case l7.Reject:
			if d.takeOther(&t.pool) {
				continue
			}
			if c.proto != l7.None && Begins(data) {
				t.switchProto(r, c, seg) // unannounced, as where a client speaks TLS to a server that does not
				continue
			}
			t.resync(c, seg.Side)
		case l7.Done:
			next, switches := t.hint.Next, t.hint.Switch
			d.remember(&t.hint, data, &t.pasts)
			t.done(r, c, seg, Message{Seq: d.buf.Base(), Data: data})
			t.advance(c, seg.Side, next)
			if switches {
				t.switchProto(r, c, seg)
			}
		}
	}
}

// parse calls the connection's parser, or, while the protocol is not known, all parsers that have not rejected these bytes. A parser's
// memory is kept only when it has read a message.
func (t *Table) parse(c *conn, s flow.Side, data []byte, final bool) l7.Verdict {
	in := l7.Input{Data: data, Side: s, Final: final}
	r := t.flows.At(c.flow)
	in.Ports = ports(r)
	in.Opener[r.Client()] = r.Initiator >= event.BySYNACK
	if c.proto != l7.None {
		return t.call(c, c.proto, in)
	}
	verdict := l7.Reject
	for proto := l7.None + 1; proto < l7.Protos; proto++ {
		if c.direction[s].candidates&(1<<proto) == 0 {
			continue
		}
		switch t.call(c, proto, in) {
		case l7.Done:
			c.proto = proto
			return l7.Done
		case l7.Reject:
			c.direction[s].candidates &^= 1 << proto
		case l7.More:
			verdict = l7.More
		}
	}
	return verdict
}

func (t *Table) call(c *conn, proto l7.Proto, in l7.Input) l7.Verdict {
	t.hint.Reset()
	t.scratch = c.parser
	v := l7.Table[proto].Stream(&t.hint, &t.scratch, in)
	if v == l7.Done {
		c.parser = t.scratch
	}
	return v
}

// done reports a message that was read. m has its place.
func (t *Table) done(r *flow.Record, c *conn, seg Segment, m Message) {
	r.Proto = c.proto
	m.Side, m.Nanos, m.Requested = seg.Side, seg.Nanos, len(c.pending) > 0
	if t.hint.Role == l7.Request || t.hint.Role == l7.Response {
		t.resyncFromACK(r, c, seg)
	}
	t.report(r, c, m, seg)
}

// switchProto starts over with another protocol in both directions, after STARTTLS, CONNECT or a SOCKS reply.
func (t *Table) switchProto(r *flow.Record, c *conn, seg Segment) {
	for len(c.pending) > 0 {
		t.emitUnanswered(r, c)
	}
	if r.Original == l7.None {
		r.Original = c.proto
	}
	c.proto, c.parser = l7.None, l7.Conn{}
	t.handler.StreamSwitched(r)
	ack, acks := seg.ack()
	for s := range c.direction {
		d := &c.direction[s]
		lost := d.mode != reading || !d.buf.Opened()
		c.restart(flow.Side(s))
		if lost && acks && flow.Side(s) != seg.Side {
			d.buf.Close(&t.pool)
			d.buf.Open(ack, true)
		}
	}
}

// maxSkip is the longest message that is skipped by its length. Sequence numbers wrap at 4 GiB, and a place half of that ahead could
// not be distinguished from one behind.
const maxSkip = 1 << 30

// advance moves a direction to where the next message starts.
func (t *Table) advance(c *conn, s flow.Side, next int) {
	d := &c.direction[s]
	d.repeats = repeats{}
	switch {
	case next == l7.Stop:
		d.mode = stopped
		d.buf.Close(&t.pool)
	case next <= 0 || next > maxSkip:
		d.mode = seeking
		d.buf.Close(&t.pool)
	default:
		d.buf.Consume(next, &t.pool)
		d.truncated = d.truncated && int32(d.truncAt-d.buf.Base()) > 0
	}
}
