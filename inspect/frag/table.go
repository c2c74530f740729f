package frag

import (
	"time"

	"github.com/mirrorsink/mirrorsink/decap"
)

// A Table holds incomplete packets. It is not safe for concurrent use.
//
// Payloads are kept in chunks of one size, in one arena that is allocated once and never grows: a hostile mix of sizes cannot
// fragment it, and a packet takes the size of its fragments, rounded up to chunks. When the chunks are used up, the packet that
// has waited longest is evicted.
type Table struct {
	onIncomplete func(*Incomplete)
	store        store
	index        map[key]int32
	slots        []slot
	free         int32    // first slot that is not in use, linked by next
	queues       [2]queue // IPv4 and IPv6, each in order of arrival: they have different timeouts
	buf          [maxPacket]byte
	reassembled  Reassembled // the result of Add
	incomplete   Incomplete  // the argument of onIncomplete
}

// key is the same for all fragments of a packet (RFC 791 section 3.2, RFC 8200 section 4.5) that one mirrored interface sees. The
// outer source port is no part of it: AWS derives it from the inner ports, which later fragments lack.
type key struct {
	outer, src, dst decap.Addr
	vni, tunnel, id uint32
	proto           uint8 // of IPv4 only: in IPv6 the next header of the first fragment alone counts
	version         uint8
}

// slot is one incomplete packet.
type slot struct {
	key         key
	packet      decap.Packet
	bytes       uint64
	first, last int64
	packets     int
	payload     payload
	failed      bool   // it cannot be reassembled any more; its fragments are only counted, until the timeout
	reason      Reason // why it failed
	prev, next  int32  // in its queue, or the list of free slots
}

// none ends a list of slots or chunks.
const none = -1

// perChunk is the memory per chunk: data, its link, and one slot, since a packet has at least one chunk. A map entry counts
// twice, for the load factor.
const perChunk = chunkSize + 16 + 432 + 2*80

// minChunks is more than the largest packet needs.
const minChunks = 64

// New makes a table that uses at most the given number of bytes, but no less than one packet of the largest size needs. The
// table's methods call onIncomplete for all fragments that Add does not return as part of a packet. The argument is valid
// during the call. onIncomplete must not call the table.
func New(bytes int, onIncomplete func(*Incomplete)) *Table {
	n := max(minChunks, (bytes-maxPacket)/perChunk)
	t := &Table{onIncomplete: onIncomplete, store: newStore(n), index: make(map[key]int32, n), slots: make([]slot, n)}
	for i := range t.slots {
		t.slots[i].next = int32(i) + 1
	}
	t.slots[n-1].next = none
	for i := range t.queues {
		t.queues[i] = queue{head: none, tail: none}
	}
	return t
}

// Add adds a fragment, of which it copies what it needs. It returns the packet if that is complete now, else nil. Overlapping
// IPv4 fragments fill the gaps between earlier ones. Overlapping IPv6 fragments make the packet fail (RFC 5722).
func (t *Table) Add(p *decap.Packet, nanos int64) *Reassembled {
	if r, bad := validate(p); bad {
		t.emit(Incomplete{Packet: p.Detached(), Packets: 1, Bytes: uint64(p.IPLen), First: nanos, Last: nanos, Reason: r})
		return nil
	}
	t.reserve(chunksFor(len(p.Payload)))
	i := t.find(p, nanos)
	s := &t.slots[i]
	s.packets++
	s.bytes += uint64(p.IPLen)
	s.last = nanos
	if s.failed {
		return nil
	}
	if p.FragOff == 0 {
		s.packet = p.Detached()
	}
	if r, ok := t.store.add(&s.payload, p); !ok {
		t.store.release(&s.payload)
		s.failed, s.reason = true, r
		return nil
	}
	if !s.payload.complete() {
		return nil
	}
	return t.assemble(i)
}

// Expire drops the packets whose timeout is over.
func (t *Table) Expire(nanos int64) {
	for v, timeout := range [...]time.Duration{TimeoutIPv4, TimeoutIPv6} {
		for i := t.queues[v].head; i != none && nanos-t.slots[i].first >= int64(timeout); i = t.queues[v].head {
			t.drop(i, Expired)
		}
	}
}

// Flush drops all packets.
func (t *Table) Flush() {
	for v := range t.queues {
		for i := t.queues[v].head; i != none; i = t.queues[v].head {
			t.drop(i, Flushed)
		}
	}
}

// validate reports whether a fragment cannot be part of any packet, and why.
func validate(p *decap.Packet) (r Reason, bad bool) {
	end := int(p.FragOff) + p.PayloadLen
	if p.Version == 4 {
		end += p.IPLen - p.PayloadLen // the header
	}
	switch {
	case p.PayloadLen == 0 || p.MoreFrags && p.PayloadLen%8 != 0 || end > maxPacket:
		return Malformed, true
	case len(p.Payload) < p.PayloadLen:
		return Truncated, true
	default:
		return 0, false
	}
}

// reserve makes room for a number of chunks and for one packet, by evicting the packets that have waited longest.
func (t *Table) reserve(chunks int) {
	for t.free == none || t.store.left < chunks {
		t.drop(t.oldest(), Evicted)
	}
}

// oldest returns the slot that has waited longest.
func (t *Table) oldest() int32 {
	a, b := t.queues[0].head, t.queues[1].head
	if a == none || b != none && t.slots[b].first < t.slots[a].first {
		return b
	}
	return a
}

// find returns the slot of the fragment's packet, a new one if it is the first.
func (t *Table) find(p *decap.Packet, nanos int64) int32 {
	k := keyOf(p)
	if i, ok := t.index[k]; ok {
		return i
	}
	i := t.free
	t.free = t.slots[i].next
	t.slots[i] = slot{key: k, packet: p.Detached(), first: nanos, payload: emptyPayload}
	t.index[k] = i
	t.queueOf(i).push(t.slots, i)
	return i
}

func keyOf(p *decap.Packet) key {
	k := key{src: p.Src, dst: p.Dst, vni: p.VNI, tunnel: p.Tunnel, id: p.FragID, version: p.Version}
	if p.Outer.IsValid() {
		k.outer = p.Outer.Addr().As16()
	}
	if p.Version == 4 {
		k.proto = p.Proto
	}
	return k
}

// assemble copies the fragments of a complete packet together and frees its slot.
func (t *Table) assemble(i int32) *Reassembled {
	s := &t.slots[i]
	t.reassembled = Reassembled{
		Packet: s.packet, Payload: t.store.copy(t.buf[:0], &s.payload),
		Packets: s.packets, Bytes: s.bytes, First: s.first, Last: s.last,
	}
	t.reassembled.Packet.IPLen = int(s.bytes)
	t.remove(i)
	return &t.reassembled
}

// drop reports an incomplete packet, and frees its slot.
func (t *Table) drop(i int32, r Reason) {
	s := &t.slots[i]
	if s.failed {
		r = s.reason
	}
	l := Incomplete{Packet: s.packet, Packets: s.packets, Bytes: s.bytes, First: s.first, Last: s.last, Reason: r}
	t.remove(i)
	t.emit(l)
}

func (t *Table) emit(l Incomplete) {
	t.incomplete = l
	t.onIncomplete(&t.incomplete)
}

// remove frees a slot and its chunks.
func (t *Table) remove(i int32) {
	s := &t.slots[i]
	t.store.release(&s.payload)
	delete(t.index, s.key)
	t.queueOf(i).remove(t.slots, i)
	s.next, t.free = t.free, i
}

func (t *Table) queueOf(i int32) *queue {
	if t.slots[i].key.version == 6 {
		return &t.queues[1]
	}
	return &t.queues[0]
}

// A queue is a doubly linked list of slots, the oldest at its head.
type queue struct{ head, tail int32 }

func (q *queue) push(slots []slot, i int32) {
	slots[i].prev, slots[i].next = q.tail, none
	if q.tail == none {
		q.head = i
	} else {
		slots[q.tail].next = i
	}
	q.tail = i
}

func (q *queue) remove(slots []slot, i int32) {
	prev, next := slots[i].prev, slots[i].next
	if prev == none {
		q.head = next
	} else {
		slots[prev].next = next
	}
	if next == none {
		q.tail = prev
	} else {
		slots[next].prev = prev
	}
}
