package flow

import (
	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/event"
)

// Interval is what a record counted in one aggregation window.
type Interval struct {
	Window      uint32    // when the window began, Unix seconds
	Bytes       [2]uint64 // by side, as the following
	Payload     [2]uint64 // of the transport, each byte once
	Packets     [2]uint32
	First, Last [2]uint32 // packet in the window, Unix seconds
	Flags       [2]uint8  // TCP flags ORed, ECE and CWR not among them, with event.SynAck
}

// intervalCounts is what a record counted in one window, but for the flags. It is packed so that the record keeps its size.
type intervalCounts struct {
	bytesLow    [2]uint32
	packets     [2]uint32
	first, last [2]uint16 // seconds from the window's start
	bytesHigh   [2]uint16
}

// windows is a table's current aggregation window, and the records that have counts. These are in a ring, each once, in the order in
// which they first counted something, so that the records of a window are found without a walk over the table. Records whose counts
// were taken early, and those that have ended, stay in the ring until they are due.
type windows struct {
	length   uint32 // seconds; 0 is off
	now      uint32 // when the current window began, Unix seconds
	previous uint32 // and the one before
	odd      uint8  // bitOdd in every second window
	ring     []uint32
	payload  []volume // by record: the payload of earlier windows
	head, n  int
	due      int // of the ring's first: those that were put there before the current window began
}

// WindowSize is the memory that a flow takes for aggregation windows.
const WindowSize = 4 + 12

// Aggregate makes the table count by windows of a number of seconds, at most 65,535, which begin at multiples of that. It is
// called before the first Get.
func (t *Table) Aggregate(seconds uint32) {
	t.windows = windows{length: seconds, ring: slab[uint32](t, len(t.records)), payload: slab[volume](t, len(t.records))}
}

// OpenWindow opens the window that contains a time. The counts of the window before are due now.
func (t *Table) OpenWindow(nanos int64) {
	w := &t.windows
	w.previous, w.now = w.now, w.start(nanos)
	w.odd ^= bitOdd
	w.due = w.n
}

// start returns when the window of a time begins.
func (w *windows) start(nanos int64) uint32 { return coarse(nanos) / w.length * w.length }

// Window returns the current window, in Unix seconds: from is in it, to is not.
func (t *Table) Window() (from, to uint32) { return t.windows.now, t.windows.now + t.windows.length }

// Stale reports whether a record holds counts of the window before the current one. They must be taken before more is counted.
func (t *Table) Stale(r *Record) bool {
	return r.Counted() && r.bits&bitOdd != t.windows.odd
}

// Counted reports whether a record has counts that were not taken.
func (r *Record) Counted() bool { return r.interval.packets != [2]uint32{} }

// CountInterval counts packets of a side in the current window. first and last are the times of the first and the last of them. Late
// packets count as of the window's beginning.
func (t *Table) CountInterval(r *Record, s Side, p *decap.Packet, packets uint32, bytes uint64, first, last int64) {
	w, c := &t.windows, &r.interval
	if !r.Counted() {
		r.bits = r.bits&^bitOdd | w.odd
		if r.bits&bitListed == 0 {
			r.bits |= bitListed
			w.push(t.Ref(r))
		}
	}
	if from := w.offset(first); c.packets[s] == 0 || from < c.first[s] {
		c.first[s] = from
	}
	c.last[s] = max(c.last[s], w.offset(last))
	c.packets[s] = saturated(c.packets[s], packets)
	bytes += c.bytes(s)
	c.bytesLow[s], c.bytesHigh[s] = uint32(bytes), uint16(bytes>>32)
	if p.HasTCP {
		r.intervalFlags[s] |= flagsOf(p)
	}
}

// flagsOf returns a packet's TCP flags as Interval has them.
func flagsOf(p *decap.Packet) uint8 {
	const known, synAck = 0x3f, decap.SYN | decap.ACK
	flags := p.TCPFlags & known
	if flags&synAck == synAck {
		flags |= event.SynAck
	}
	return flags
}

func (c *intervalCounts) bytes(s Side) uint64 {
	return uint64(c.bytesHigh[s])<<32 | uint64(c.bytesLow[s])
}

// offset returns how far a time is in the window, in seconds.
func (w *windows) offset(nanos int64) uint16 {
	return uint16(max(0, min(nanos/1e9-int64(w.now), int64(w.length)-1)))
}

// TakeInterval returns what a record counted in its window and resets it.
func (t *Table) TakeInterval(r *Record) Interval {
	w, c := &t.windows, &r.interval
	i := Interval{Window: w.now, Bytes: [2]uint64{c.bytes(0), c.bytes(1)}, Packets: c.packets, Flags: r.intervalFlags}
	if r.bits&bitOdd != w.odd {
		i.Window = w.previous
	}
	for s := range c.first {
		i.First[s], i.Last[s] = i.Window+uint32(c.first[s]), i.Window+uint32(c.last[s])
	}
	*c, r.intervalFlags = intervalCounts{}, [2]uint8{}
	before := &w.payload[t.Ref(r)]
	i.Payload = [2]uint64{r.Payload(0) - before.of(0), r.Payload(1) - before.of(1)}
	*before = r.payload
	return i
}

// EndIntervals forgets what a record counted in earlier windows. It is called for each flow that ends, after its last TakeInterval.
func (t *Table) EndIntervals(r *Record) { t.windows.payload[t.Ref(r)] = volume{} }

// Due returns a record that has counts of the window before the current one, nil if there is none. The caller must take the counts before
// the next call. Due looks at no more than most places of the ring; more reports that others are left.
func (t *Table) Due(most int) (r *Record, more bool) {
	w := &t.windows
	for ; w.due > 0 && most > 0; most-- {
		ref := w.pop()
		r := &t.records[ref]
		switch {
		case t.Stale(r):
			r.bits &^= bitListed
			return r, true
		case r.Counted():
			w.push(ref) // its counts were taken already, and it counts in the current window
		default:
			r.bits &^= bitListed
		}
	}
	return nil, w.due > 0
}

// push puts a record at the ring's end. There is room, since each is in it once.
func (w *windows) push(ref uint32) {
	at := w.head + w.n
	if at >= len(w.ring) {
		at -= len(w.ring)
	}
	w.ring[at] = ref
	w.n++
}

// pop takes the first record, which is due, out of the ring.
func (w *windows) pop() uint32 {
	ref := w.ring[w.head]
	if w.head++; w.head == len(w.ring) {
		w.head = 0
	}
	w.n--
	w.due--
	return ref
}
