// Package causal puts the segments of TCP connections into an order in which they can have happened. The two directions of a connection
// may be mirrored by different ways, and one may be ahead of the other: nodes of a load balancer, several queues. A segment that
// acknowledges bytes which did not come yet waits for them, and with it all that its sender sent later. So what is behind a Gate sees each
// question before its answer, as its hosts did, and a loss only where nothing came in time.
//
// What waits is copied, within a bound of memory. Nothing here is safe for concurrent use.
package causal

import (
	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/flow"
)

// Timeout is how long a segment waits for the other direction, in nanoseconds of packet time. The nodes of a load balancer and the queues
// of an interface differ by microseconds to some tens of milliseconds. What does not come within this time was lost.
const Timeout = 50e6

// Handler takes the segments of a Gate. It must not call the Gate.
type Handler interface {
	// Deliver takes a segment after those that its sender had received. p is valid during the call.
	Deliver(r *flow.Record, s flow.Side, p *decap.Packet, nanos int64)
	// HasGap reports whether bytes of a side that it acknowledged up to a sequence number are still waited for, since segments behind
	// them came first.
	HasGap(r *flow.Record, s flow.Side, ack uint32) bool
	// Reads reports whether a parser may read the payload of a segment, or wants to know what it acknowledges.
	Reads(r *flow.Record, p *decap.Packet) bool
}

// Gate holds segments until those that their senders had received have come.
type Gate struct {
	handler Handler
	flows   *flow.Table
	bound   int // bytes
	used    int
	queues  queues
	pool    pool
	counts  Counts
}

// Counts is what became of segments.
type Counts struct {
	Held    uint64 // segments that waited
	Emptied uint64 // of these, segments that waited without their payload, since much of their flow waited
	Evicted uint64 // flows whose segments waited no longer since the memory was used up
}

// New returns a gate that takes at most a number of bytes, at least 64 KiB. It calls handler.
func New(bytes int, flows *flow.Table, handler Handler) *Gate {
	bound := max(bytes, 64<<10)
	return &Gate{handler: handler, flows: flows, bound: bound, pool: pool{most: min(maxFree, bound/4)}}
}

// Counts returns the counts so far.
func (g *Gate) Counts() Counts { return g.counts }

// Segment takes a TCP segment of a flow at a time, and delivers what does not have to wait. clock is the latest time of all packets.
func (g *Gate) Segment(r *flow.Record, s flow.Side, p *decap.Packet, nanos, clock int64) {
	if !r.Waiting() && !r.Overtakes(s, p) && !r.Beyond(s, p) && !g.behindGap(r, s, p) {
		g.handler.Deliver(r, s, p, nanos)
		return
	}
	g.wait(r, s, p, nanos, clock)
}

// early reports whether a segment came before some that its sender had received.
func (g *Gate) early(r *flow.Record, q *queue, s flow.Side, p *decap.Packet) bool {
	return r.Overtakes(s, p) && !q.follows(r, s, p) || g.behindGap(r, s, p)
}

// behindGap reports whether a message is the answer to bytes of which some are waited for.
func (g *Gate) behindGap(r *flow.Record, s flow.Side, p *decap.Packet) bool {
	return r.Stream != 0 && p.PayloadLen > 0 && p.TCPFlags&decap.ACK != 0 && g.handler.HasGap(r, 1-s, p.Ack)
}

// wait takes a segment of a flow of which others wait, or that has to wait itself.
func (g *Gate) wait(r *flow.Record, s flow.Side, p *decap.Packet, nanos, clock int64) {
	q := g.queues.of(r, g.flows)
	switch free := q != nil && (q.heads[s] == nil || p.TCPFlags&decap.SYN != 0 || q.heads[s].hasOvertaken(p)); {
	case free && !g.early(r, q, s, p) && !r.Beyond(s, p):
		g.handler.Deliver(r, s, p, nanos) // it comes before all that waits of its side
	default:
		if q == nil {
			q = g.queues.add(r, g.flows, clock)
			g.used += queueSize
		}
		g.keep(r, q, s, p, nanos, clock)
	}
	if q.size > 2*g.flowBound() {
		g.counts.Evicted++
		g.flush(r, q)
		return
	}
	g.queues.move(q, r)
	g.advance(r, q, clock)
	for g.used > g.bound {
		g.counts.Evicted++
		q := g.queues.longest()
		r := g.flows.At(q.flow)
		g.flush(r, q)
		g.flows.Reclassify(r)
	}
}

// advance delivers what waits no longer at a time. It reports whether more waits; if not the queue is gone.
func (g *Gate) advance(r *flow.Record, q *queue, clock int64) (more bool) {
	for {
		h, s := g.next(r, q, clock)
		if h == nil {
			break
		}
		g.handler.Deliver(r, s, &h.packet, h.nanos)
		g.drop(q, h)
	}
	if q.size > 0 {
		return true
	}
	g.queues.remove(r, q, g.flows)
	g.used -= queueSize
	return false
}

// flush delivers all that waits of a flow.
func (g *Gate) flush(r *flow.Record, q *queue) { g.advance(r, q, endOfTime) }

// Before ends the waits of a flow that are over at a time. It is called before its next packet.
func (g *Gate) Before(r *flow.Record, clock int64) {
	if q := g.queues.of(r, g.flows); q != nil && q.since+Timeout < clock {
		g.advance(r, q, clock)
		g.flows.Reclassify(r)
	}
}

// Expire ends the waits that are over at a time.
func (g *Gate) Expire(clock int64) {
	for l := range g.queues.lists {
		for {
			q := g.queues.lists[l].head
			if q == nil || q.since+Timeout >= clock {
				break
			}
			r := g.flows.At(q.flow)
			if g.advance(r, q, clock) {
				g.queues.renew(q)
			}
			g.flows.Reclassify(r)
		}
	}
}

// End delivers all that waits of a flow that ends.
func (g *Gate) End(r *flow.Record) {
	if q := g.queues.of(r, g.flows); q != nil {
		g.flush(r, q)
	}
}

// Flush delivers all that waits, after the last packet.
func (g *Gate) Flush() { g.Expire(endOfTime) }
