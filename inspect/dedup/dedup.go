// Package dedup matches the two copies of a packet that was mirrored twice: at the interface that sent it, and at the
// interface that received it. It takes copies of packets, and reports which two belong together, and which have no partner.
//
// A pair is an egress copy of one mirror session and an ingress copy of another. Equal packets that are not so related, or that
// could belong to several sessions, are those of networks that look alike, and are not matched.
//
// A packet that was sent and never received is found packet by packet. The packet counts of the two flows would not show it:
// each side loses copies of its own, which cancel out, and the two flows start and end at different times.
package dedup

import (
	"hash/maphash"
	"math/bits"
	"reflect"
	"time"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/event"
)

// Span is how much later than the first copy the second one may come, in packet time. Between zones a packet takes a
// millisecond or two, between regions up to a third of a second, and load balancers and the mirror's own queues add
// milliseconds. A longer span would only need memory, and more often find the IPv4 identification used again.
const Span = time.Second

// maxEqual is how many equal copies that wait are compared. It bounds the work for a host that sends the same packet again and
// again to a host that is not mirrored.
const maxEqual = 8

// Copy is one copy of a packet. Session and Flow are the caller's numbers.
type Copy struct {
	Session     uint32
	Flow        uint32
	Direction   event.Direction // of the packet at the interface that mirrored it
	Provisional bool            // keep it even if no packet was mirrored at the other end so far; never set on a returned copy
	Nanos       int64           // the packet's time
}

// Counts is what became of the copies. Copies that wait, and those that have no partner to wait for, are not counted.
type Counts struct {
	Pairs     uint64 // second copies that were matched with the first
	Unmatched uint64 // copies without a partner within Span, provisional ones excluded
	Ambiguous uint64 // times that a copy matched copies of several sessions
	Evicted   uint64 // copies dropped for want of memory, provisional ones excluded; they are not reported
}

// Window holds copies that wait for their partners. Its memory is fixed when it is made; it allocates nothing later. It is not
// safe for concurrent use, but for Identity: both copies of a packet come to the same worker.
type Window struct {
	copies      []waiting // a ring, in the order of arrival
	index       []uint32  // by identity, the number of the last copy that came
	first       uint32    // numbers of the copies from the oldest to the next one; they wrap around
	next        uint32
	now         int64
	mirrored    mirrored
	seed        maphash.Seed
	onUnmatched func(Copy)
	counts      Counts
}

// waiting is a copy in the ring.
type waiting struct {
	id          uint64 // of the packet
	nanos       int64
	session     uint32
	flow        uint32
	older       uint32 // number of the copy before it in the same place of the index
	direction   event.Direction
	matched     bool
	provisional bool // nothing shows that there is a partner
}

// copyBytes is the memory that a copy takes, its share of the index included.
var copyBytes = int(reflect.TypeFor[waiting]().Size() + reflect.TypeFor[uint32]().Size())

const minCopies = 64

// New returns a window that takes at most a number of bytes: a power of two of copies, and at least 64. onUnmatched is called
// for each copy without a partner within Span. In a flow that has pairs, an unmatched egress copy means that the packet or its
// other copy was lost, an unmatched ingress copy that the first copy was lost. onUnmatched must not call the window.
func New(bytes int, onUnmatched func(Copy)) *Window {
	n := 1 << (bits.Len(uint(max(minCopies, bytes/copyBytes))) - 1)
	return &Window{
		copies: make([]waiting, n), index: make([]uint32, n), first: 1, next: 1,
		seed: maphash.MakeSeed(), onUnmatched: onUnmatched,
	}
}

// Counts returns what became of the copies so far.
func (w *Window) Counts() Counts { return w.counts }

// Add takes a copy of a packet and returns its partner, if that came before. Otherwise the copy waits, unless no packet was
// mirrored at the other end so far: most connections are with hosts that are not mirrored. A caller that must not miss the
// first pairs of a connection sets Provisional.
func (w *Window) Add(p *decap.Packet, c Copy) (partner Copy, ok bool) {
	here, there := &p.Src, &p.Dst
	switch c.Direction {
	case event.NoDirection:
		w.Expire(c.Nanos)
		return Copy{}, false
	case event.Ingress:
		here, there = there, here
	case event.Egress:
	}
	if w.expectsPartner(here, there, c.Nanos) {
		c.Provisional = false
	} else if !c.Provisional {
		return Copy{}, false
	}
	return w.match(w.Identity(p), &c)
}

// AddIdentity is Add for a packet whose identity is known: here is its address on the side of the interface that mirrored it,
// there the other one. The copy's direction must be known.
func (w *Window) AddIdentity(id uint64, here, there *decap.Addr, c Copy) (partner Copy, ok bool) {
	if !w.expectsPartner(here, there, c.Nanos) {
		return Copy{}, false
	}
	return w.match(id, &c)
}

// expectsPartner records that packets are mirrored at one end, and reports whether they were at the other as well.
func (w *Window) expectsPartner(here, there *decap.Addr, nanos int64) bool {
	w.Expire(nanos)
	w.mirrored.add(here)
	return w.mirrored.has(there)
}

// match returns the partner of a copy, or keeps the copy.
func (w *Window) match(id uint64, c *Copy) (partner Copy, ok bool) {
	if partner, ok = w.find(id, c); !ok {
		w.keep(id, c)
	}
	return partner, ok
}

// Expire drops copies that have waited for longer than Span. Time does not go back.
func (w *Window) Expire(nanos int64) {
	w.now = max(w.now, nanos)
	for ; w.first != w.next; w.first++ {
		c := w.at(w.first)
		if w.now-c.nanos <= int64(Span) {
			return
		}
		if !c.matched && !c.provisional {
			w.counts.Unmatched++
			w.onUnmatched(c.copy())
		}
	}
}

// find returns the partner of a copy, and takes it out of the index.
func (w *Window) find(id uint64, c *Copy) (Copy, bool) {
	var found *uint32
	link := w.head(id)
	for equal := 0; equal < maxEqual && w.holds(*link); {
		at := w.at(*link)
		if at.id == id {
			equal++
			if at.direction != c.Direction && at.session != c.Session {
				if found == nil {
					found = link
				} else if w.at(*found).session != at.session {
					w.counts.Ambiguous++
					return Copy{}, false
				}
			}
		}
		link = &at.older
	}
	if found == nil {
		return Copy{}, false
	}
	partner := w.at(*found)
	*found, partner.matched = partner.older, true
	w.counts.Pairs++
	return partner.copy(), true
}

// keep puts a copy into the ring, in the place of the oldest one if the ring is full.
func (w *Window) keep(id uint64, c *Copy) {
	if w.next-w.first == uint32(len(w.copies)) {
		if oldest := w.at(w.first); !oldest.matched && !oldest.provisional {
			w.counts.Evicted++
		}
		w.first++
	}
	link := w.head(id)
	older := *link
	if !w.holds(older) {
		older = w.first - 1 // a number that the ring does not hold again while this copy waits
	}
	*w.at(w.next) = waiting{
		id: id, nanos: c.Nanos, session: c.Session, flow: c.Flow, older: older, direction: c.Direction, provisional: c.Provisional,
	}
	*link = w.next
	w.next++
}

func (w *Window) at(number uint32) *waiting { return &w.copies[number&uint32(len(w.copies)-1)] }

// holds reports whether a number is that of a copy in the ring. Copies leave the ring in the order in which they came, so all
// numbers behind one in its chain are older still, and nothing need be taken out of chains when time passes.
func (w *Window) holds(number uint32) bool { return number-w.first < w.next-w.first }

func (w *Window) head(id uint64) *uint32 { return &w.index[id&uint64(len(w.index)-1)] }

func (c *waiting) copy() Copy {
	return Copy{Session: c.session, Flow: c.flow, Direction: c.direction, Nanos: c.nanos}
}
