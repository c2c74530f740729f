package inspect

import (
	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/flow"
	"github.com/mirrorsink/mirrorsink/inspect/l7"
)

// talk is the parsing state of one TCP connection, or of a UDP flow whose first message spans datagrams. It exists while
// there is something left to read: until both directions are done, or nothing was recognized.
type talk struct {
	rec        uint32 // its flow's record
	prev, next uint32 // in its list of talks, least recently active first
	both       bool   // the list that it is in: both directions of its flow were seen
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
	w.talks.active(r.Stream, r.BothSides())
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
	ref, t := w.talks.add(w.flows.Ref(r), r.BothSides())
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
