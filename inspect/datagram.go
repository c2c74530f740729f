package inspect

import (
	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/flow"
	"github.com/mirrorsink/mirrorsink/inspect/forward"
	"github.com/mirrorsink/mirrorsink/inspect/l7"
)

// datagram lets the parsers read one UDP payload: the flow's parser, or all of them while its protocol is not known, or has
// said that the flow will go on in another.
func (w *Worker) datagram(r *flow.Record, s flow.Side, p *decap.Packet, nanos int64) {
	if len(p.Payload) == 0 || r.Tries >= maxTries {
		return
	}
	t := w.talks.at(r.Stream)
	in := l7.Input{Data: p.Payload, Side: s, Final: true, State: w.state}
	if t != nil {
		w.talks.active(r.Stream, r.BothSides())
		in.State = t.state
	}
	for proto := l7.None + 1; proto < l7.Protos; proto++ {
		parse := l7.Table[proto].Datagram
		if parse == nil || r.Proto != r.Original && r.Proto != proto {
			continue
		}
		w.hint.Reset()
		w.conn = l7.Conn{}
		switch parse(&w.hint, &w.conn, in) {
		case l7.Done:
			w.datagramDone(r, proto, said{side: s, nanos: nanos, pkt: p})
			return
		case l7.More:
			w.datagramMore(r, t, proto, s)
			return
		case l7.Reject:
		}
	}
	r.Tries++
}

// datagramDone tells of a message that ended with this datagram.
func (w *Worker) datagramDone(r *flow.Record, proto l7.Proto, in said) {
	r.Proto, r.Tries = proto, 0
	if w.hint.Switch {
		r.Original = proto
	}
	if w.hint.Next == l7.Stop {
		r.Tries = maxTries
	}
	w.forward.DatagramMessage(r, forward.Message{Proto: proto, Role: w.hint.Role, Data: in.pkt.Payload, Next: w.hint.Next})
	w.message(r, nil, in)
	if t := w.talks.at(r.Stream); t != nil {
		w.silence(r, t)
	}
}

// datagramMore keeps what a message that spans datagrams has left so far.
func (w *Worker) datagramMore(r *flow.Record, t *talk, proto l7.Proto, s flow.Side) {
	if t == nil {
		r.Proto = proto
		r.Stream, t = w.talks.add(w.flows.Ref(r), r.BothSides())
		t.proto, t.side, t.state, w.state = proto, s, w.state, new(l7.State)
		w.stats.StreamsNew++
	}
	size := t.state.Size()
	w.talks.held += size - t.stateSize
	t.stateSize = size
	w.limit()
}

// datagramLast lets the parser make the best of a message the rest of whose datagrams never came.
func (w *Worker) datagramLast(r *flow.Record, t *talk, nanos int64) {
	w.hint.Reset()
	w.conn = l7.Conn{}
	if l7.Table[t.proto].Datagram(&w.hint, &w.conn, l7.Input{Side: t.side, Final: true, State: t.state}) == l7.Done {
		w.message(r, nil, said{side: t.side, nanos: nanos})
	}
}
