package stream

import (
	"github.com/mirrorsink/mirrorsink/inspect/flow"
	"github.com/mirrorsink/mirrorsink/inspect/l7"
)

// Datagram shows one UDP payload to the parsers: to the flow's parser, or to all while its protocol is not known, or after a message
// that switched to another protocol.
func (t *Table) Datagram(r *flow.Record, s flow.Side, payload []byte, nanos int64) {
	if len(payload) == 0 || r.Tries >= maxTries {
		return
	}
	c := t.conns[r.Stream]
	in := l7.Input{Data: payload, Side: s, Final: true, State: t.state}
	if c != nil {
		t.touch(r)
		in.State = c.state
	}
	for proto := l7.None + 1; proto < l7.Protos; proto++ {
		parse := l7.Table[proto].Datagram
		if parse == nil || r.Proto != r.Original && r.Proto != proto {
			continue
		}
		t.hint.Reset()
		t.scratch = l7.Conn{}
		switch parse(&t.hint, &t.scratch, in) {
		case l7.Done:
			t.datagramDone(r, proto, Message{Side: s, Nanos: nanos, Data: payload})
			return
		case l7.More:
			t.datagramMore(r, c, proto, s)
			return
		case l7.Reject:
		}
	}
	r.Tries++
}

// datagramDone reports a message that ended with this datagram.
func (t *Table) datagramDone(r *flow.Record, proto l7.Proto, m Message) {
	r.Proto, r.Tries = proto, 0
	if t.hint.Switch {
		r.Original = proto
	}
	if t.hint.Next == l7.Stop {
		r.Tries = maxTries
	}
	t.report(r, nil, m, Segment{})
	if c := t.conns[r.Stream]; c != nil {
		t.release(r, c)
	}
}

// datagramMore keeps what a message that spans datagrams has left so far.
func (t *Table) datagramMore(r *flow.Record, c *conn, proto l7.Proto, s flow.Side) {
	if c == nil {
		r.Proto = proto
		c = t.add(r)
		c.proto, c.side, c.state, t.state = proto, s, t.state, new(l7.State)
	}
	size := c.state.Size()
	t.held += size - c.stateSize
	c.stateSize = size
	t.evict()
}

// flushDatagrams lets the parser make the best of a message the rest of whose datagrams never came.
func (t *Table) flushDatagrams(r *flow.Record, c *conn, nanos int64) {
	t.hint.Reset()
	t.scratch = l7.Conn{}
	in := l7.Input{Side: c.side, Final: true, State: c.state}
	if l7.Table[c.proto].Datagram(&t.hint, &t.scratch, in) == l7.Done {
		t.report(r, nil, Message{Side: c.side, Nanos: nanos, Partial: true}, Segment{})
	}
}
