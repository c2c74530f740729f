package inspect

import (
	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/flow"
	"github.com/mirrorsink/mirrorsink/inspect/forward"
	"github.com/mirrorsink/mirrorsink/inspect/l7"
)

// read gives a direction's contiguous bytes to the parsers, message by message.
func (w *Worker) read(r *flow.Record, t *talk, in said) {
	h := &t.half[in.side]
	for h.mode == reading {
		data := h.win.Bytes()
		if len(data) == 0 {
			return
		}
		final := len(data) >= flow.Span || h.cut && h.win.End() == h.cutAt
		switch w.parseStream(t, in.side, data, final) {
		case l7.More:
			return
		case l7.Reject:
			if t.proto != l7.None && begins(data) {
				w.switchOver(r, t, in) // unannounced, as where a client speaks TLS to a server that does not
				continue
			}
			w.lose(t, in.side)
		case l7.Done:
			w.forward.StreamMessage(r, in.side, w.forwardMessage(t, in.side, data))
			next, other := w.hint.Next, w.hint.Switch
			w.done(r, t, in)
			w.proceed(t, in.side, next)
			if other {
				w.switchOver(r, t, in)
			}
		}
	}
}

// forwardMessage describes the message of the hint for forwarding. data is what its parser read.
func (w *Worker) forwardMessage(t *talk, s flow.Side, data []byte) forward.Message {
	return forward.Message{
		Proto: t.proto, Role: w.hint.Role, Requested: len(t.pending) > 0, Seq: t.half[s].win.Base(), Data: data, Next: w.hint.Next,
	}
}

// switchOver begins anew with another protocol in both directions, after STARTTLS, CONNECT or a SOCKS reply.
func (w *Worker) switchOver(r *flow.Record, t *talk, in said) {
	for len(t.pending) > 0 {
		w.unanswered(r, t)
	}
	if r.Original == l7.None {
		r.Original = t.proto
	}
	t.proto, t.conn = l7.None, l7.Conn{}
	w.forward.StreamSwitched(r)
	for s := range t.half {
		h := &t.half[s]
		lost := h.mode != reading || !h.win.Opened()
		h.restart(t, flow.Side(s))
		if lost && in.acks && flow.Side(s) != in.side {
			h.win.Close(&w.talks.pool)
			h.win.Open(in.ack, true)
		}
	}
}

// done tells of a message that was read.
func (w *Worker) done(r *flow.Record, t *talk, in said) {
	r.Proto = t.proto
	if in.acks && (w.hint.Role == l7.Request || w.hint.Role == l7.Response) {
		w.overtaken(r, t, in)
	}
	w.message(r, t, in)
}

// overtaken finds the other direction's place again if the sender of a message has received bytes of it of which no copy
// came: in a conversation of questions and answers the next message starts where the sender's acknowledgment ends. If the
// sender is the client, what it asked before was answered in those bytes.
func (w *Worker) overtaken(r *flow.Record, t *talk, in said) {
	o := &t.half[1-in.side]
	ahead := in.ack - o.win.End()
	unseen := o.mode == reading && o.win.Opened() && ahead != 0 && ahead <= flow.MaxAck
	if o.mode != seeking && !unseen {
		return
	}
	o.win.Close(&w.talks.pool)
	o.restart(t, 1-in.side)
	o.win.Open(in.ack, true)
	if w.hint.Role != l7.Request {
		return
	}
	for len(t.pending) > 0 && int32(in.ack-t.pending[0].ack) > 0 {
		w.unanswered(r, t)
		t.conn.Bits, t.conn.Len = 0, 0 // it held what the parser knew of those requests
	}
}

// parseStream asks the talk's parser, or, while the protocol is not known, all those that have not rejected these bytes.
// A parser's memory is kept only when it has read a message.
func (w *Worker) parseStream(t *talk, s flow.Side, data []byte, final bool) l7.Verdict {
	in := l7.Input{Data: data, Side: s, Final: final}
	r := w.flows.At(t.rec)
	in.Opener[r.Client()] = r.Initiator >= event.BySYNACK
	if t.proto != l7.None {
		return w.ask(t, t.proto, in)
	}
	verdict := l7.Reject
	for proto := l7.None + 1; proto < l7.Protos; proto++ {
		if t.half[s].maybe&(1<<proto) == 0 {
			continue
		}
		switch w.ask(t, proto, in) {
		case l7.Done:
			t.proto = proto
			return l7.Done
		case l7.Reject:
			t.half[s].maybe &^= 1 << proto
		case l7.More:
			verdict = l7.More
		}
	}
	return verdict
}

func (w *Worker) ask(t *talk, proto l7.Proto, in l7.Input) l7.Verdict {
	w.hint.Reset()
	w.conn = t.conn
	v := l7.Table[proto].Stream(&w.hint, &w.conn, in)
	if v == l7.Done {
		t.conn = w.conn
	}
	return v
}

// maxSkip is the longest message that is skipped by its length. Sequence numbers wrap at 4 GiB, and a place half of that
// ahead could not be told from one behind.
const maxSkip = 1 << 30

// proceed moves on to where the next message starts.
func (w *Worker) proceed(t *talk, s flow.Side, next int) {
	h := &t.half[s]
	switch {
	case next == l7.Stop:
		h.mode = stopped
		h.win.Close(&w.talks.pool)
	case next <= 0 || next > maxSkip:
		h.mode = seeking
		h.win.Close(&w.talks.pool)
	default:
		h.win.Consume(next, &w.talks.pool)
		h.cut = h.cut && int32(h.cutAt-h.win.Base()) > 0
	}
}

// lose gives up a direction's place: its bytes are not what was expected there.
func (w *Worker) lose(t *talk, s flow.Side) {
	h := &t.half[s]
	h.win.Consume(1, &w.talks.pool) // so that the same segment is not found again
	if h.win.Seek(t.begins, &w.talks.pool) {
		h.restart(t, s)
		return
	}
	h.mode = seeking
}

// skip gives up what is missing before the bytes that are held: it makes the best of those before the hole, and goes on
// at a segment behind it that begins like a message.
func (w *Worker) skip(r *flow.Record, t *talk, in said) {
	h := &t.half[in.side]
	w.last(r, t, in)
	if h.mode == stopped {
		return
	}
	h.win.Consume(len(h.win.Bytes()), &w.talks.pool)
	if h.win.Seek(t.begins, &w.talks.pool) {
		h.restart(t, in.side)
		w.read(r, t, in)
		return
	}
	h.mode = seeking
}

// last gives a direction's contiguous bytes to the parsers for the last time: nothing will follow them.
func (w *Worker) last(r *flow.Record, t *talk, in said) {
	h := &t.half[in.side]
	data := h.win.Bytes()
	if h.mode != reading || len(data) == 0 {
		return
	}
	if w.parseStream(t, in.side, data, true) == l7.Done {
		next := w.hint.Next
		w.done(r, t, in)
		if next == l7.Stop {
			w.proceed(t, in.side, next)
		}
	}
}
