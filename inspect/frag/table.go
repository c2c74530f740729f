package frag

import (
	"time"

	"github.com/mirrorsink/mirrorsink/decap"
)

// A Table holds packets of which fragments came: those that are incomplete, and for a while those that were reported. It is not
// safe for concurrent use.
//
// Payloads are kept in chunks of one size, in one arena that is allocated once and never grows: a hostile mix of sizes cannot
// fragment it, and a packet takes the size of its fragments, rounded up to chunks. When the chunks are used up, the packet that
// was reported first is forgotten, or else the packet that has waited longest is evicted.
type Table struct {
	onIncomplete func(*Datagram)
	store        store
	index        map[key]int32
	slots        []slot
	free         int32         // first slot that is not in use, linked by next
	queues       [queues]queue // by how long a packet may stay, each in order of arrival
	reported     int           // packets in queueReported
	duplicates   uint64
	buf          [maxPacket]byte
	datagram     Datagram // the result of Add, and the argument of onIncomplete
}

// Queues of packets, by what they wait for.
const (
	queueIPv4     = iota // the first fragment
	queueIPv6            // the same
	queueLed             // the other fragments: the first one came
	queueReported        // nothing: they are remembered
	queues
)

// timeouts of the queues.
var timeouts = [queues]time.Duration{TimeoutIPv4, TimeoutIPv6, Wait, TimeoutIPv4}

// maxReported bounds the packets that are remembered after they were reported. Copies of a fragment come one after the other.
const maxReported = 256

// key is the same for all fragments of a packet (RFC 791 section 3.2, RFC 8200 section 4.5) that one mirrored interface sees. The
// outer source port is no part of it: AWS derives it from the inner ports, which later fragments lack.
type key struct {
	outer, src, dst decap.Addr
	vni, tunnel, id uint32
	proto           uint8 // of IPv4 only: in IPv6 the next header of the first fragment alone counts
	version         uint8
}

// slot is one packet.
type slot struct {
	key         key
	packet      decap.Packet
	bytes       uint64 // of fragments that were not reported; likewise the following
	first, last int64
	packets     int
	payload     payload
	since       int64  // when it came into its queue
	queue       uint8  // in which it is
	led         bool   // the first fragment came
	cut         bool   // copies were truncated
	failed      bool   // it cannot be reassembled any more; its fragments are only counted, until the timeout
	reason      Reason // why it failed
	prev, next  int32  // in its queue, or the list of free slots
}

// none ends a list of slots or chunks.
const none = -1

// perChunk is the memory per chunk: data, its link, and one slot, since a packet has at least one chunk. A map entry counts
// twice, for the load factor.
const perChunk = chunkSize + 16 + 448 + 2*80

// minChunks is more than the largest packet needs.
const minChunks = 64

// New makes a table that uses at most the given number of bytes, but no less than one packet of the largest size needs. The
// table's methods call onIncomplete for all fragments that Add does not return as part of a packet, but for duplicates. The
// argument is valid during the call. onIncomplete must not call the table.
func New(bytes int, onIncomplete func(*Datagram)) *Table {
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

// Duplicates returns how many fragments came again.
func (t *Table) Duplicates() uint64 { return t.duplicates }

// Add adds a fragment, of which it copies what it needs. It returns the packet if that is complete now, else nil. A fragment that came
// before changes nothing. Fragments that contradict each other make the packet fail, since receivers differ in what they do then; so do
// IPv6 fragments that overlap (RFC 5722).
func (t *Table) Add(p *decap.Packet, nanos int64) *Datagram {
	t.reserve(min(minChunks, chunksFor(p.PayloadLen)))
	i := t.find(p, nanos)
	s := &t.slots[i]
	reason, bad := t.judge(s, p)
	if bad && reason == Complete {
		t.duplicates++
		return nil
	}
	if bad && reason == Overlap && s.queue == queueReported {
		t.remove(i) // the identification is used again
		return t.Add(p, nanos)
	}
	if s.packets == 0 {
		s.first = nanos
	}
	s.packets++
	s.bytes += uint64(p.IPLen)
	s.last = nanos
	t.lead(i, p, nanos)
	switch {
	case s.failed:
	case bad:
		t.fail(s, reason)
	case !t.store.add(&s.payload, p):
		t.fail(s, TooMany)
	}
	switch {
	case s.queue == queueReported:
		t.report(i, Late)
		return nil
	case s.failed || !s.payload.complete():
		return nil
	case s.cut:
		t.report(i, Truncated)
		return nil
	default:
		t.fillDatagram(s, Complete)
		t.settle(i, nanos)
		return &t.datagram
	}
}

// judge reports whether a fragment changes nothing, with the reason Complete, or makes its packet fail.
func (t *Table) judge(s *slot, p *decap.Packet) (r Reason, bad bool) {
	switch {
	case malformed(p):
		return Malformed, true
	case s.failed:
		return s.reason, false
	}
	switch t.store.relate(&s.payload, p) {
	case repeated:
		return Complete, true
	case conflicting:
		return Overlap, true
	case overlapping:
		if p.Version == 6 {
			return Overlap, true
		}
	case fresh:
	}
	return Complete, false
}

// malformed reports whether a fragment cannot be part of any packet.
func malformed(p *decap.Packet) bool {
	end := int(p.FragOff) + p.PayloadLen
	if p.Version == 4 {
		end += p.IPLen - p.PayloadLen // the header
	}
	return p.PayloadLen == 0 || p.MoreFrags && p.PayloadLen%8 != 0 || end > maxPacket
}

// lead takes what a fragment shows of its packet: the first one has the ports.
func (t *Table) lead(i int32, p *decap.Packet, nanos int64) {
	s := &t.slots[i]
	s.cut = s.cut || p.Truncated
	if p.FragOff != 0 || s.led {
		return
	}
	s.packet, s.led = p.Detached(), true
	if s.queue != queueReported {
		t.move(i, queueLed, nanos)
	}
}

// fail gives up the payload of a packet.
func (t *Table) fail(s *slot, r Reason) {
	t.store.release(&s.payload)
	s.failed, s.reason = true, r
}

// Due reports whether Expire has a first fragment to read alone. It costs next to nothing, so that it can be called for each packet.
func (t *Table) Due(nanos int64) bool {
	head := t.queues[queueLed].head
	return head != none && nanos-t.slots[head].since >= int64(Wait)
}

// Expire reports the packets whose timeout is over.
func (t *Table) Expire(nanos int64) {
	for q, timeout := range timeouts {
		for i := t.queues[q].head; i != none && nanos-t.slots[i].since >= int64(timeout); i = t.queues[q].head {
			switch q {
			case queueLed:
				t.report(i, Alone)
				t.settle(i, nanos)
			case queueReported:
				t.remove(i)
			default:
				t.report(i, Expired)
				t.remove(i)
			}
		}
	}
}

// Flush reports all packets.
func (t *Table) Flush() {
	for q := range t.queues {
		for i := t.queues[q].head; i != none; i = t.queues[q].head {
			t.drop(i, Flushed)
		}
	}
}

// reserve makes room for a number of chunks and for one packet: see Table.
func (t *Table) reserve(chunks int) {
	for t.free == none || t.store.left < chunks {
		if i := t.queues[queueReported].head; i != none {
			t.remove(i)
		} else {
			t.drop(t.oldest(), Evicted)
		}
	}
}

// oldest returns the slot that has waited longest.
func (t *Table) oldest() int32 {
	oldest := int32(none)
	for q := range queueReported {
		if i := t.queues[q].head; i != none && (oldest == none || t.slots[i].first < t.slots[oldest].first) {
			oldest = i
		}
	}
	return oldest
}

// find returns the slot of the fragment's packet, a new one if it is the first.
func (t *Table) find(p *decap.Packet, nanos int64) int32 {
	k := keyOf(p)
	if i, ok := t.index[k]; ok {
		return i
	}
	i := t.free
	t.free = t.slots[i].next
	t.slots[i] = slot{key: k, packet: p.Detached(), payload: emptyPayload, since: nanos, queue: queueIPv4}
	if p.Version == 6 {
		t.slots[i].queue = queueIPv6
	}
	t.index[k] = i
	t.queues[t.slots[i].queue].push(t.slots, i)
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

// report reports what came of a packet that is not complete, unless all of it was.
func (t *Table) report(i int32, r Reason) {
	s := &t.slots[i]
	if s.packets == 0 {
		return
	}
	if s.failed {
		r = s.reason
	}
	t.fillDatagram(s, r)
	if r == Truncated {
		t.settle(i, s.last)
	}
	t.onIncomplete(&t.datagram)
}

// fillDatagram sets the table's datagram to what came of a packet since it was reported last.
func (t *Table) fillDatagram(s *slot, r Reason) {
	d := &t.datagram
	*d = Datagram{
		Packet: s.packet, Payload: t.buf[:0], Led: s.led, Cut: s.cut, Packets: s.packets, Bytes: s.bytes,
		First: min(s.first, s.last), Last: max(s.first, s.last), Reason: r,
	}
	d.Packet.IPLen = int(s.bytes)
	if s.led && !s.failed {
		d.Payload = t.store.beginning(t.buf[:0], &s.payload)
		d.Missing = max(0, s.payload.total-len(d.Payload))
	}
	s.packets, s.bytes = 0, 0
}

// settle remembers a packet that was reported, in the place of the oldest such one if there are many.
func (t *Table) settle(i int32, nanos int64) {
	t.move(i, queueReported, nanos)
	if t.reported > maxReported {
		t.remove(t.queues[queueReported].head)
	}
}

// drop reports a packet that is not complete, and frees its slot.
func (t *Table) drop(i int32, r Reason) {
	t.report(i, r)
	t.remove(i)
}

// move puts a slot into another queue.
func (t *Table) move(i int32, q uint8, nanos int64) {
	s := &t.slots[i]
	t.queues[s.queue].remove(t.slots, i)
	s.queue, s.since = q, nanos
	t.queues[q].push(t.slots, i)
	if q == queueReported {
		t.reported++
	}
}

// remove frees a slot and its chunks.
func (t *Table) remove(i int32) {
	s := &t.slots[i]
	t.store.release(&s.payload)
	delete(t.index, s.key)
	t.queues[s.queue].remove(t.slots, i)
	if s.queue == queueReported {
		t.reported--
	}
	s.next, t.free = t.free, i
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
