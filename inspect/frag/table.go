package frag

import (
	"time"

	"github.com/mirrorsink/mirrorsink/decap"
)

// A Table holds incomplete packets. It is not safe for concurrent use.
//
// Payloads are kept in chunks of one size, in one arena that is allocated once and never grows: a hostile mix of sizes
// cannot fragment it, and a packet costs what its fragments weigh, rounded up to chunks. When the chunks are used up, the
// packet that has waited longest gives its own back.
type Table struct {
	lost   func(*Lost)
	store  store
	index  map[key]int32
	slots  []slot
	free   int32    // first slot that is not in use, linked by next
	queues [2]queue // IPv4 and IPv6, each in order of arrival: they have different timeouts
	buf    [maxPacket]byte
	whole  Whole // what Add returns
	gone   Lost  // what lost is given
}

// key says which fragments belong together (RFC 791 section 3.2, RFC 8200 section 4.5), within one network as seen by
// one mirrored interface. The outer source port is not in it: AWS derives it from ports, which later fragments lack.
type key struct {
	outer, src, dst decap.Addr
	vni, tunnel, id uint32
	proto           uint8 // IPv4 alone: of IPv6 fragments only the first one's next header counts
	version         uint8
}

// slot is one incomplete packet.
type slot struct {
	key         key
	packet      decap.Packet
	bytes       uint64
	first, last int64
	packets     int
	pieces      pieces
	dead        bool   // it cannot be put together any more; its fragments are only counted until the timeout
	reason      Reason // why it is dead
	prev, next  int32  // in its queue, or the list of free slots
}

// none ends a list of slots or chunks.
const none = -1

// perChunk is what one chunk costs in all: data, its link, and as many slots, since a packet has at least one chunk. A
// map entry is counted twice, for the load factor.
const perChunk = chunkSize + 16 + 432 + 2*80

// minChunks is room for the largest packet, and then some.
const minChunks = 64

// New makes a table that uses at most the given number of bytes, but no less than it needs for one packet of the largest
// size. It calls lost, from within its methods, for everything that was added and not handed out whole; what lost is
// given is valid during the call, and it must not call the table.
func New(bytes int, lost func(*Lost)) *Table {
	n := max(minChunks, (bytes-maxPacket)/perChunk)
	t := &Table{lost: lost, store: newStore(n), index: make(map[key]int32, n), slots: make([]slot, n)}
	for i := range t.slots {
		t.slots[i].next = int32(i) + 1
	}
	t.slots[n-1].next = none
	for i := range t.queues {
		t.queues[i] = queue{head: none, tail: none}
	}
	return t
}

// Add takes a fragment, of which it copies what it needs. It returns the packet if it is whole now, else nil. Fragments
// that overlap fill what is missing between those that came before (IPv4) or spoil the packet (IPv6, RFC 5722).
func (t *Table) Add(p *decap.Packet, nanos int64) *Whole {
	if r, bad := refuse(p); bad {
		t.tell(Lost{Packet: p.Detached(), Packets: 1, Bytes: uint64(p.IPLen), First: nanos, Last: nanos, Reason: r})
		return nil
	}
	t.reserve(chunksFor(len(p.Payload)))
	i := t.find(p, nanos)
	s := &t.slots[i]
	s.packets++
	s.bytes += uint64(p.IPLen)
	s.last = nanos
	if s.dead {
		return nil
	}
	if p.FragOff == 0 {
		s.packet = p.Detached()
	}
	if r, ok := t.store.add(&s.pieces, p); !ok {
		t.store.release(&s.pieces)
		s.dead, s.reason = true, r
		return nil
	}
	if !s.pieces.complete() {
		return nil
	}
	return t.assemble(i)
}

// Expire gives up packets whose time is over.
func (t *Table) Expire(nanos int64) {
	for v, timeout := range [...]time.Duration{TimeoutIPv4, TimeoutIPv6} {
		for i := t.queues[v].head; i != none && nanos-t.slots[i].first >= int64(timeout); i = t.queues[v].head {
			t.giveUp(i, Expired)
		}
	}
}

// Flush gives up all packets.
func (t *Table) Flush() {
	for v := range t.queues {
		for i := t.queues[v].head; i != none; i = t.queues[v].head {
			t.giveUp(i, Flushed)
		}
	}
}

// refuse says whether a fragment cannot be part of any packet, and why.
func refuse(p *decap.Packet) (r Reason, bad bool) {
	end := int(p.FragOff) + p.PayloadLen
	if p.Version == 4 {
		end += p.IPLen - p.PayloadLen // the header
	}
	switch {
	case p.PayloadLen == 0 || p.MoreFrags && p.PayloadLen%8 != 0 || end > maxPacket:
		return Malformed, true
	case len(p.Payload) < p.PayloadLen:
		return Cut, true
	default:
		return 0, false
	}
}

// reserve makes room for so many chunks and for one packet, by giving up what has waited longest.
func (t *Table) reserve(chunks int) {
	for t.free == none || t.store.left < chunks {
		t.giveUp(t.oldest(), Evicted)
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
	t.slots[i] = slot{key: k, packet: p.Detached(), first: nanos, pieces: noPieces}
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

// assemble copies a complete packet together and frees its slot.
func (t *Table) assemble(i int32) *Whole {
	s := &t.slots[i]
	t.whole = Whole{
		Packet: s.packet, Payload: t.store.copy(t.buf[:0], &s.pieces),
		Packets: s.packets, Bytes: s.bytes, First: s.first, Last: s.last,
	}
	t.whole.Packet.IPLen = int(s.bytes)
	t.remove(i)
	return &t.whole
}

// giveUp tells about an incomplete packet, and frees its slot.
func (t *Table) giveUp(i int32, r Reason) {
	s := &t.slots[i]
	if s.dead {
		r = s.reason
	}
	l := Lost{Packet: s.packet, Packets: s.packets, Bytes: s.bytes, First: s.first, Last: s.last, Reason: r}
	t.remove(i)
	t.tell(l)
}

func (t *Table) tell(l Lost) {
	t.gone = l
	t.lost(&t.gone)
}

// remove frees a slot and its chunks.
func (t *Table) remove(i int32) {
	s := &t.slots[i]
	t.store.release(&s.pieces)
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
