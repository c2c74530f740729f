package inspect

import (
	"math"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/dedup"
	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/flow"
)

// pairUp looks for the other copy of a packet that is mirrored at both ends. Both observations stay; they are told to
// belong together. It reports whether this one is the second.
func (w *Worker) pairUp(r *flow.Record, s flow.Side, p *decap.Packet, nanos int64) (second bool) {
	way := w.way(r, s, p)
	switch {
	case way == event.NoDirection:
	case w.diary != nil:
		w.diary.copied(w, r, s, p, dedup.Copy{Direction: way, Nanos: nanos})
	default:
		of := dedup.Copy{Session: uint32(r.Key.Tap), Flow: w.flows.Ref(r), Direction: way, Provisional: w.forward.Provisional(r, nanos), Nanos: nanos}
		other, ok := w.pairs.Add(p, of)
		if ok {
			w.join(r, other)
		}
		return ok
	}
	return false
}

// several reports whether there may be other copies of a packet: more than one session was seen, or will be.
func (w *Worker) several() bool {
	if w.diary != nil {
		return w.diary.several
	}
	return w.sessions.Len() > 2 || w.forward.Active()
}

// join notes that packets of two flows are copies of each other.
func (w *Worker) join(r *flow.Record, other dedup.Copy) {
	r.Paired = uint16(other.Session)
	o := w.copied(other)
	w.forward.Link(r, o)
	if o != nil {
		if w.cfg.Interval != 0 && w.flows.Stale(o) {
			w.interval(o) // it was not paired yet when that window ended
		}
		o.Paired = r.Key.Tap
	}
}

// copied returns the flow of an earlier copy, if it is still there.
func (w *Worker) copied(c dedup.Copy) *flow.Record {
	r := w.flow(c.Flow)
	if uint32(r.Key.Tap) != c.Session || r.Start > c.Nanos {
		return nil // its memory holds another one by now
	}
	return r
}

// flow returns the flow of a copy's number.
func (w *Worker) flow(number uint32) *flow.Record {
	if w.stories != nil {
		return &w.stories.at(number).Record
	}
	return w.flows.At(number)
}

// alone counts a packet that left one mirrored interface and was not seen at the other, on a flow of which others were;
// the pair window calls it.
func (w *Worker) alone(c dedup.Copy) {
	if r := w.copied(c); c.Direction == event.Egress && r != nil && r.Paired != 0 && r.Unpaired < math.MaxUint8 {
		r.Unpaired++
	}
}
