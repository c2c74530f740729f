package causal

import (
	"unsafe"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/flow"
)

// queue has the segments of a flow that wait, by side in the order in which they were sent, as far as they show it, else of their arrival.
type queue struct {
	flow         uint32 // the number of its record
	both         bool   // the list that it is in: both directions of its flow were seen
	since        int64  // when the first of those that wait came, or earlier
	heads, tails [2]*held
	fins         [2]*held // by side: a FIN that has overtaken data of its own side
	size         int      // memory of its segments
	prev, next   *queue   // in its list
	chain        *queue   // in its bucket
}

const queueSize = int(unsafe.Sizeof(queue{}))

// push puts a segment behind those of its side, but before those that have overtaken it, and a SYN at the front.
func (q *queue) push(s flow.Side, h *held) {
	switch {
	case q.heads[s] == nil:
		q.heads[s], q.tails[s] = h, h
	case h.packet.TCPFlags&decap.SYN != 0:
		h.next = q.heads[s]
		q.heads[s] = h
	case q.tails[s].hasOvertaken(&h.packet):
		at := &q.heads[s]
		for !(*at).hasOvertaken(&h.packet) {
			at = &(*at).next
		}
		h.next, h.since, h.arrival = *at, (*at).since, (*at).arrival // those behind it wait no longer for it
		*at = h
	default:
		q.tails[s].next = h
		q.tails[s] = h
	}
}

// hasOvertaken reports whether a segment that waits was sent after another one of its side, which came later: neither its sequence number
// nor its acknowledgment is before the other's. A segment that is sent again with a newer acknowledgment was not overtaken.
func (h *held) hasOvertaken(p *decap.Packet) bool {
	t := &h.packet
	seq, ack := int32(t.Seq-p.Seq), int32(t.Ack-p.Ack)
	return t.TCPFlags&p.TCPFlags&decap.ACK != 0 && (t.TCPFlags|p.TCPFlags)&(decap.SYN|decap.RST) == 0 && seq >= 0 && ack >= 0 && (seq > 0 || ack > 0)
}

// follows reports whether, of a connection that was picked up in the middle, what waits of the other side begins where the acknowledgment of
// a segment ends: its sender had received nothing of that.
func (q *queue) follows(r *flow.Record, s flow.Side, p *decap.Packet) bool {
	first := q.heads[1-s]
	if first == nil || first.packet.Seq != p.Ack || r.Flags[s]&decap.SYN != 0 {
		return false
	}
	_, known := r.Next(1 - s)
	return !known
}

// pop takes the first segment of a side.
func (q *queue) pop(s flow.Side) *held {
	h := q.heads[s]
	if q.heads[s] = h.next; h.next == nil {
		q.tails[s] = nil
	}
	h.next = nil
	return h
}

// buckets is the size of the index of queues by flow. Few flows wait at a time.
const buckets = 1 << 12

// queues finds the queues of flows, and has them in the order in which they began to wait.
type queues struct {
	index [buckets]*queue
	lists [2]struct{ head, tail *queue } // by whether both directions of the flow were seen
	free  *queue
}

// of returns the queue of a flow; nil if it has none.
func (l *queues) of(r *flow.Record, flows *flow.Table) *queue {
	if !r.Waiting() {
		return nil
	}
	ref := flows.Ref(r)
	q := l.index[ref%buckets]
	for q.flow != ref {
		q = q.chain
	}
	return q
}

// add gives a flow a queue.
func (l *queues) add(r *flow.Record, flows *flow.Table, clock int64) *queue {
	q := l.free
	if q == nil {
		q = new(queue)
	} else {
		l.free = q.chain
	}
	*q = queue{flow: flows.Ref(r), both: r.BothSides(), since: clock}
	bucket := &l.index[q.flow%buckets]
	q.chain, *bucket = *bucket, q
	l.append(q)
	r.SetWaiting(true)
	return q
}

// remove frees the queue of a flow.
func (l *queues) remove(r *flow.Record, q *queue, flows *flow.Table) {
	at := &l.index[q.flow%buckets]
	for *at != q {
		at = &(*at).chain
	}
	*at = q.chain
	l.unlink(q)
	r.SetWaiting(false)
	*q = queue{chain: l.free}
	l.free = q
}

// longest returns the queue to be emptied when the memory is used up: the one that has waited longest. Those of flows of which one
// direction was seen go first: senders of packets with invented addresses make any number of them.
func (l *queues) longest() *queue {
	if q := l.lists[0].head; q != nil {
		return q
	}
	return l.lists[1].head
}

// move puts a queue into the list of the flows of which both directions were seen, once they were.
func (l *queues) move(q *queue, r *flow.Record) {
	if !q.both && r.BothSides() {
		l.unlink(q)
		q.both = true
		l.append(q)
	}
}

// renew puts a queue at the end of its list, as of the first segment that waits now.
func (l *queues) renew(q *queue) {
	q.since = endOfTime
	for s := range q.heads {
		for _, h := range [...]*held{q.heads[s], q.fins[s]} {
			if h != nil {
				q.since = min(q.since, h.since)
			}
		}
	}
	l.unlink(q)
	l.append(q)
}

func (l *queues) append(q *queue) {
	list := l.listOf(q)
	q.prev, q.next = list.tail, nil
	if list.tail != nil {
		list.tail.next = q
	} else {
		list.head = q
	}
	list.tail = q
}

func (l *queues) unlink(q *queue) {
	list := l.listOf(q)
	if q.prev != nil {
		q.prev.next = q.next
	} else {
		list.head = q.next
	}
	if q.next != nil {
		q.next.prev = q.prev
	} else {
		list.tail = q.prev
	}
}

func (l *queues) listOf(q *queue) *struct{ head, tail *queue } {
	if q.both {
		return &l.lists[1]
	}
	return &l.lists[0]
}
