package inspect

import (
	"math"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/flow"
	"github.com/mirrorsink/mirrorsink/inspect/pair"
)

// pairUp looks for the other copy of a packet that is mirrored at both ends. Both observations stay; they are told to
// belong together.
func (w *Worker) pairUp(r *flow.Record, s flow.Side, p *decap.Packet, nanos int64) {
	way := w.way(r, s, p)
	if way == pair.Transit {
		return
	}
	other, ok := w.pairs.Add(p, pair.Copy{Tap: uint32(r.Key.Tap), Flow: w.flows.Ref(r), Way: way, Nanos: nanos})
	if !ok {
		return
	}
	r.Paired = uint16(other.Tap)
	if o := w.copied(other); o != nil {
		o.Paired = r.Key.Tap
	}
}

// copied returns the flow of an earlier copy, if it is still there.
func (w *Worker) copied(c pair.Copy) *flow.Record {
	r := w.flows.At(c.Flow)
	if uint32(r.Key.Tap) != c.Tap || r.Start > c.Nanos {
		return nil // its memory holds another one by now
	}
	return r
}

// alone counts a packet that left one mirrored interface and was not seen at the other, on a flow of which others were;
// the pair window calls it.
func (w *Worker) alone(c pair.Copy) {
	if r := w.copied(c); c.Way == pair.Egress && r != nil && r.Paired != 0 && r.Unpaired < math.MaxUint8 {
		r.Unpaired++
	}
}
