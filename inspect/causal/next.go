package causal

import (
	"math"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/flow"
)

// endOfTime is after all waits.
const endOfTime = math.MaxInt64

// next takes the next segment of a flow that is to be delivered at a time out of its queue; nil if all have to wait.
func (g *Gate) next(r *flow.Record, q *queue, clock int64) (*held, flow.Side) {
	for s := range flow.Side(2) {
		if h := q.fins[s]; h != nil && (!r.Beyond(s, &h.packet) && !g.early(r, q, s, &h.packet) || h.over(clock) && !q.before(h, clock)) {
			q.fins[s] = nil
			return h, s
		}
	}
	s, found := g.ready(r, q)
	if !found {
		if s, found = q.overdue(clock); !found {
			return nil, 0
		}
		if _, known := r.Next(1 - s); !known && q.heads[1-s] == nil {
			r.WaitNoMore()
		}
	}
	h := q.pop(s)
	if r.Beyond(s, &h.packet) && !h.over(clock) {
		old := q.fins[s]
		q.fins[s] = h
		if old == nil {
			return g.next(r, q, clock)
		}
		h = old
	}
	return h, s
}

// ready returns the side whose first segment has overtaken nothing; of two the one that came first.
func (g *Gate) ready(r *flow.Record, q *queue) (s flow.Side, found bool) {
	for _, s := range q.byArrival() {
		if h := q.heads[s]; h != nil && !q.needsFirst(r, s, h) && !g.early(r, q, s, &h.packet) {
			return s, true
		}
	}
	return 0, false
}

// needsFirst reports whether a segment that waits acknowledges bytes of a side of which nothing was delivered yet. Also when the first such
// segment has waited for too long the next ones wait for their own time: the other side may begin with what they acknowledge.
func (q *queue) needsFirst(r *flow.Record, s flow.Side, h *held) bool {
	_, known := r.Next(1 - s)
	return !known && h.packet.TCPFlags&decap.ACK != 0 && !q.follows(r, s, &h.packet)
}

// overdue returns a side whose first segment has waited for too long. Where each side waits for the other, something is missing, and that
// side goes first which acknowledges nothing of what waits of the other side.
func (q *queue) overdue(clock int64) (s flow.Side, found bool) {
	order := q.byArrival()
	for _, s := range order {
		h, o := q.heads[s], q.heads[1-s]
		if h == nil || !h.over(clock) {
			continue
		}
		if o != nil && int32(h.packet.Ack-o.packet.Seq) > 0 && int32(o.packet.Ack-h.packet.Seq) <= 0 {
			return 1 - s, true
		}
		return s, true
	}
	return 0, false
}

// before reports whether a segment that has waited for too long came before a FIN: it may acknowledge the bytes that the FIN waits for.
func (q *queue) before(fin *held, clock int64) bool {
	for _, h := range q.heads {
		if h != nil && h.over(clock) && h.arrival < fin.arrival {
			return true
		}
	}
	return false
}

// byArrival returns the sides in the order in which their first segments came.
func (q *queue) byArrival() [2]flow.Side {
	if a, b := q.heads[0], q.heads[1]; a != nil && b != nil && b.arrival < a.arrival {
		return [2]flow.Side{1, 0}
	}
	return [2]flow.Side{0, 1}
}

// over reports whether a segment has waited for too long at a time.
func (h *held) over(clock int64) bool { return h.since+Timeout < clock }
