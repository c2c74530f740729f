package inspect

import (
	"github.com/mirrorsink/mirrorsink/inspect/flow"
	"github.com/mirrorsink/mirrorsink/inspect/l7"
)

// How long bytes wait behind a hole, in nanoseconds of packet time. If the peer has acknowledged what is missing, the copy
// can only be late: load balancers reorder by milliseconds. If not, a retransmission may come (RFC 6298: after 1 s at the
// start of a connection, twice that the second time).
const (
	lateCopy     = 50e6
	lateOriginal = 3e9
)

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
		w.forward.StreamDone(r, t.proto)
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
		r := w.idlest(w.talks.victims())
		w.stats.StreamsEvicted++
		w.hangUp(r, r.End)
		r.Tries++
	}
}

// idlest returns the record of the less recently active one of two talks, of which one may be 0.
func (w *Worker) idlest(a, b uint32) *flow.Record {
	if a == 0 {
		return w.flows.At(w.talks.at(b).rec)
	}
	first := w.flows.At(w.talks.at(a).rec)
	if b == 0 {
		return first
	}
	if second := w.flows.At(w.talks.at(b).rec); second.End < first.End {
		return second
	}
	return first
}
