package causal

import (
	"math/bits"
	"unsafe"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/flow"
)

// held is a segment that waits.
type held struct {
	packet  decap.Packet
	nanos   int64  // its time
	since   int64  // when it began to wait
	arrival uint64 // its number, of all that waited
	buf     []byte // memory for its payload
	next    *held
}

const heldSize = int(unsafe.Sizeof(held{}))

// maxFlow is the most memory that the payload of one flow takes: what a fast sender sends in the time that directions differ by.
const maxFlow = 256 << 10

// flowBound bounds the payload that waits of one flow. Of what is beyond it only headers wait, in as much memory again. It is less than
// maxFlow only where memory is short, so that what becomes of a flow does not depend on the number of workers that share the memory.
func (g *Gate) flowBound() int { return min(maxFlow, g.bound/2) }

// keep copies a segment and puts it at the end of those of its side, a SYN at the front.
func (g *Gate) keep(r *flow.Record, q *queue, s flow.Side, p *decap.Packet, nanos, clock int64) {
	payload := p.Payload
	switch {
	case !g.handler.Reads(r, p):
		payload = nil
	case len(payload) > 0 && q.size > 0 && q.size+len(payload) > g.flowBound():
		payload = nil
		g.counts.Emptied++
	}
	g.counts.Held++
	since := clock
	if t := q.tails[s]; t != nil && !r.Overtakes(s, p) && q.needsFirst(r, s, t) {
		since = t.since // it waits no longer than those before it, so that the wait for a side that is not mirrored ends
	}
	if t := q.tails[s]; t != nil && t != q.heads[s] && t.joins(p, len(payload)) {
		t.packet.Ack, t.packet.PayloadLen = p.Ack, t.packet.PayloadLen+p.PayloadLen
		t.packet.TCPFlags |= p.TCPFlags
		t.nanos, t.since = nanos, since
		return
	}
	h := g.pool.get(len(payload))
	p.DetachTo(&h.packet)
	h.nanos, h.since, h.arrival = nanos, since, g.counts.Held
	if len(payload) > 0 {
		h.packet.Payload = h.buf[:copy(h.buf[:cap(h.buf)], payload)]
	}
	q.size += h.size()
	g.used += h.size()
	q.push(s, h)
}

// joins reports whether a segment continues one that waits, where both are headers only. So a side's acknowledgments of many segments
// take the place of one.
func (h *held) joins(p *decap.Packet, kept int) bool {
	const odd = decap.SYN | decap.FIN | decap.RST
	t := &h.packet
	return kept == 0 && len(t.Payload) == 0 && (t.TCPFlags|p.TCPFlags)&odd == 0 && t.TCPFlags&p.TCPFlags&decap.ACK != 0 &&
		(t.PayloadLen == 0) == (p.PayloadLen == 0) && p.Seq == t.Seq+uint32(t.PayloadLen) && int32(p.Ack-t.Ack) >= 0
}

// drop frees a segment that was delivered.
func (g *Gate) drop(q *queue, h *held) {
	q.size -= h.size()
	g.used -= h.size()
	g.pool.put(h)
}

func (h *held) size() int { return heldSize + cap(h.buf) }

// pool keeps the memory of segments for reuse, by the size of their buffers: none, or a power of two from 256 bytes.
type pool struct {
	free [10][]*held
	size int // of what is free
	most int
}

const smallest = 256

// maxFree bounds the memory that is kept, as does a quarter of what may wait.
const maxFree = 4 << 20

func (p *pool) get(n int) *held {
	class := sizeClass(n)
	if class >= len(p.free) {
		return &held{buf: make([]byte, 0, n)}
	}
	if k := len(p.free[class]); k > 0 {
		h := p.free[class][k-1]
		p.free[class] = p.free[class][:k-1]
		p.size -= h.size()
		return h
	}
	h := new(held)
	if class > 0 {
		h.buf = make([]byte, 0, smallest/2<<class)
	}
	return h
}

func (p *pool) put(h *held) {
	class := sizeClass(cap(h.buf))
	h.packet.Payload, h.next = nil, nil
	if class < len(p.free) && p.size+h.size() <= p.most {
		p.size += h.size()
		p.free[class] = append(p.free[class], h)
	}
}

// sizeClass returns the class of a buffer of at least n bytes: 0 without, 1 for the smallest.
func sizeClass(n int) int {
	if n == 0 {
		return 0
	}
	return 1 + bits.Len(uint(max(n, smallest)-1)) - bits.Len(smallest-1)
}
