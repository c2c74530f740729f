package inspect

import (
	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/flow"
	"github.com/mirrorsink/mirrorsink/inspect/l7"
)

// talk is the parsing state of one TCP connection, or of a UDP flow whose first message spans datagrams. It exists while
// there is something left to read: until both directions are done, or nothing was recognized.
type talk struct {
	rec        uint32 // its flow's record
	prev, next uint32 // in the list of talks, least recently active first
	proto      l7.Proto
	conn       l7.Conn
	half       [2]half
	pending    []*request // of a Paired protocol: sent, not yet answered; oldest first

	side      flow.Side // of a UDP flow: who sent the first piece of its message
	state     *l7.State // of a UDP flow
	stateSize int       // what of it is counted as held
}

// half is one direction of a talk.
type half struct {
	mode  mode
	maybe uint64 // protocols that have not rejected these bytes, while the talk's is not known: a bit each
	win   flow.Window
	since int64  // when bytes were first held behind a hole
	acked bool   // the peer has the bytes of the hole
	cut   bool   // the copy that ends at cutAt was cut: what follows is lost
	cutAt uint32 // sequence number
}

// mode is what a direction of a talk does with a segment.
type mode uint8

const (
	reading mode = iota // gather bytes from a known place on
	seeking             // the place was lost: look for a segment that begins like a message
	stopped             // nothing more is to be read
)

// anyProto has the bit of every protocol that runs over TCP.
var anyProto = func() (set uint64) {
	for i := l7.None + 1; i < l7.Protos; i++ {
		if l7.Table[i].Stream != nil {
			set |= 1 << i
		}
	}
	return set
}()

// How long bytes wait behind a hole, in nanoseconds of packet time. If the peer has acknowledged what is missing, the copy
// can only be late: load balancers reorder by milliseconds. If not, a retransmission may come (RFC 6298: after 1 s at the
// start of a connection, twice that the second time).
const (
	lateCopy     = 50e6
	lateOriginal = 3e9
)

// said is one segment of a talk, or a moment at which a side is looked at without one.
type said struct {
	side  flow.Side
	nanos int64
	pkt   *decap.Packet
	next  uint32 // the sequence number that was to come next from this side
	acks  bool   // ack says what the side has received of the other's bytes
	ack   uint32
}

// talk lets the parsers read a segment.
func (w *Worker) talk(r *flow.Record, in said) {
	t := w.talks.at(r.Stream)
	if len(in.pkt.Payload) == 0 && t == nil {
		return
	}
	if t == nil {
		if t = w.begin(r, in); t == nil {
			return
		}
	}
	w.talks.active(r.Stream)
	w.acknowledge(t, in)
	if len(in.pkt.Payload) > 0 {
		w.listen(r, t, in)
	}
	w.patience(r, t, in.nanos)
	w.conclude(r, t)
}

// begin makes the parsing state for a connection's first bytes, or for a later segment that begins like a message of a
// protocol that we know: TLS after STARTTLS, HTTP on a connection that was picked up in the middle.
func (w *Worker) begin(r *flow.Record, in said) *talk {
	if r.Tries >= maxTries {
		return nil
	}
	first := r.Payload[in.side] <= uint64(in.pkt.PayloadLen)
	if r.Tries > 0 && !first && !begins(in.pkt.Payload) {
		r.Tries++
		return nil
	}
	ref, t := w.talks.add(w.flows.Ref(r))
	r.Stream = ref
	for s := range t.half {
		t.half[s].maybe = anyProto
	}
	w.stats.StreamsNew++
	if r.Tries > 0 && !first {
		t.half[in.side].win.Open(in.pkt.Seq, true)
	}
	if o := 1 - in.side; r.Flags[o]&decap.SYN != 0 {
		next, _ := r.Next(o)
		t.half[o].win.Open(next, true)
	}
	return t
}

// begins reports whether a segment begins like a message of any protocol.
func begins(b []byte) bool {
	for i := l7.None + 1; i < l7.Protos; i++ {
		if f := l7.Table[i].Begins; f != nil && f(b) {
			return true
		}
	}
	return false
}

// begins reports whether a segment begins like a message of the talk's protocol.
func (t *talk) begins(b []byte) bool {
	if t.proto == l7.None {
		return begins(b)
	}
	f := l7.Table[t.proto].Begins
	return f != nil && f(b)
}

// acknowledge notes that the peer has what we are waiting for.
func (w *Worker) acknowledge(t *talk, in said) {
	o := &t.half[1-in.side]
	if in.acks && o.win.Waiting() && int32(in.ack-o.win.Held()) >= 0 {
		o.acked = true
	}
}

// listen takes a segment's bytes to the parsers, or keeps them until those before have come.
func (w *Worker) listen(r *flow.Record, t *talk, in said) {
	h := &t.half[in.side]
	payload := in.pkt.Payload
	seq := in.pkt.Seq
	if in.pkt.TCPFlags&decap.SYN != 0 {
		seq++ // TCP Fast Open (RFC 7413)
	}
	switch h.mode {
	case stopped:
		return
	case seeking:
		if !t.begins(payload) {
			return
		}
		h.restart(t, in.side)
		h.win.Open(seq, true)
	case reading:
		h.win.Open(in.start(r, seq))
	}
	if len(payload) < in.pkt.PayloadLen {
		h.cut, h.cutAt = true, seq+uint32(len(payload))
	}
	switch h.win.Add(seq, payload, &w.talks.pool) {
	case flow.Front:
		w.read(r, t, in)
	case flow.Far:
		w.skip(r, t, in)
		if h.mode == seeking && t.begins(payload) {
			w.listen(r, t, in)
		}
	case flow.Ahead, flow.Old:
	}
	h.win.Keep(&w.talks.pool)
}

// start says where a direction's first message starts, and whether that is certain: after a SYN it is.
func (in *said) start(r *flow.Record, seq uint32) (uint32, bool) {
	if r.Flags[in.side]&decap.SYN != 0 {
		return in.next, true
	}
	return seq, false
}

// restart forgets what was expected of a direction.
func (h *half) restart(t *talk, s flow.Side) {
	h.mode, h.maybe, h.since, h.acked, h.cut = reading, anyProto, 0, false, false
	t.conn.Mode[s], t.conn.Left[s] = 0, 0
}

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
			next, other := w.hint.Next, w.hint.Switch
			w.done(r, t, in)
			w.proceed(t, in.side, next)
			if other {
				w.switchOver(r, t, in)
			}
		}
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
	c := t.conn
	v := l7.Table[proto].Stream(&w.hint, &c, in)
	if v == l7.Done {
		t.conn = c
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

// patience gives up holes that will not be filled.
func (w *Worker) patience(r *flow.Record, t *talk, nanos int64) {
	for s := range t.half {
		h := &t.half[s]
		switch {
		case !h.win.Waiting():
			h.since, h.acked = 0, false
		case h.since == 0:
			h.since = nanos
		case h.acked && nanos-h.since > lateCopy || nanos-h.since > lateOriginal:
			w.skip(r, t, said{side: flow.Side(s), nanos: nanos})
		}
	}
}

// conclude gives the parsing state back when there is nothing left to read, or nothing was recognized.
func (w *Worker) conclude(r *flow.Record, t *talk) {
	a, b := t.half[0].mode, t.half[1].mode
	switch {
	case t.proto != l7.None && a == stopped && b == stopped:
		r.Tries = maxTries
	case t.proto == l7.None && (a == seeking && !t.half[1].win.Busy() || b == seeking && !t.half[0].win.Busy()):
		r.Tries++
	default:
		w.limit()
		return
	}
	w.silence(r, t)
}

// silence gives a talk's parsing state back; what it has not told yet is told now.
func (w *Worker) silence(r *flow.Record, t *talk) {
	for len(t.pending) > 0 {
		w.unanswered(r, t)
	}
	for s := range t.half {
		t.half[s].win.Close(&w.talks.pool)
	}
	w.talks.held -= t.stateSize
	w.talks.remove(r.Stream)
	r.Stream = 0
}

// hangUp makes the best of what was gathered when a flow ends.
func (w *Worker) hangUp(r *flow.Record, nanos int64) {
	t := w.talks.at(r.Stream)
	if t == nil {
		return
	}
	if t.state != nil {
		w.datagramLast(r, t, nanos)
	}
	for s := range t.half {
		for t.half[s].win.Busy() && t.half[s].mode == reading {
			w.skip(r, t, said{side: flow.Side(s), nanos: nanos})
		}
	}
	w.silence(r, t)
}

// limit keeps the parsing state of all talks within its memory: the least recently active ones lose theirs.
func (w *Worker) limit() {
	for w.talks.over() {
		r := w.flows.At(w.talks.list[w.talks.head].rec)
		w.stats.StreamsEvict++
		w.hangUp(r, r.End)
		r.Tries++
	}
}
