// Package pair finds the two copies of a packet that was mirrored twice: at the interface that it left, and at the one that
// it reached. Copies of packets go in; out comes which copies belong together, and which stayed alone.
//
// A pair is egress at one tap and ingress at another. Equal packets that are not so related, or that could belong to
// several taps, are those of networks that look alike, and stay apart.
//
// That a packet left and never arrived is found packet by packet. The packet counts of the two flows would not tell: each
// side loses copies of its own, which cancel out, and the two flows begin and end at different moments.
package pair

import (
	"hash/maphash"
	"math/bits"
	"reflect"
	"time"

	"github.com/mirrorsink/mirrorsink/decap"
)

// Span is how much later than the first copy the second one may come, in packet time. Between zones the way takes a
// millisecond or two, between regions up to a third of a second, and load balancers and the mirror's own queues add
// milliseconds. A longer span would only need memory, and more often find the IPv4 identification used again.
const Span = time.Second

// maxEqual is how many equal copies that wait are looked at. A host that sends the same packet on and on, to somebody who
// is not mirrored, must not make each of them dear.
const maxEqual = 8

// Way is the direction of a packet at the interface that mirrored it.
type Way uint8

// Ways.
const (
	Transit Way = iota // nothing can be said
	Egress             // the interface sent it
	Ingress            // the interface received it
)

// Copy is one copy of a packet, in the words of its caller: Flow comes back as it was given. Nanos is the packet's time.
type Copy struct {
	Tap   uint32
	Flow  uint32
	Way   Way
	Early bool // keep it even if no packet was mirrored at the other end so far; it comes back false
	Nanos int64
}

// Counts says what became of the copies. Those that wait, and those that have no other one to wait for, are in none of them.
type Counts struct {
	Pairs     uint64 // second copies that found the first
	Alone     uint64 // copies whose other one did not come within Span, early ones not among them
	Ambiguous uint64 // times that a copy would have fitted copies of several taps
	Evicted   uint64 // copies forgotten for want of memory, of which nothing is said; likewise
}

// Window holds copies that wait for their other ones. Its memory is fixed when it is made; it allocates nothing later.
// It is not safe for concurrent use, but for Identity: both copies of a packet come to the same worker.
type Window struct {
	copies []waiting // a ring, in the order of arrival
	index  []uint32  // by identity, the number of the last copy that came
	first  uint32    // numbers of the copies from the oldest to the one to come; they wrap around
	next   uint32
	now    int64
	ends   ends
	seed   maphash.Seed
	alone  func(Copy)
	counts Counts
}

// waiting is a copy in the ring.
type waiting struct {
	id    uint64 // of the packet
	nanos int64
	tap   uint32
	flow  uint32
	older uint32 // number of the copy before it in the same place of the index
	way   Way
	done  bool // its other copy came
	early bool // nothing says that there is another
}

// copyBytes is the memory that a copy takes, its share of the index included.
var copyBytes = int(reflect.TypeFor[waiting]().Size() + reflect.TypeFor[uint32]().Size())

const minCopies = 64

// New makes a window that takes at most so many bytes: a power of two of copies, and 64 at the least. alone is called for
// each copy whose other one did not come within Span, which of a flow that has pairs means: of Egress, that the packet, or
// its copy at the other end, was lost on the way; of Ingress, that the first copy was lost. It must not call the window.
func New(bytes int, alone func(Copy)) *Window {
	n := 1 << (bits.Len(uint(max(minCopies, bytes/copyBytes))) - 1)
	return &Window{
		copies: make([]waiting, n), index: make([]uint32, n), first: 1, next: 1,
		seed: maphash.MakeSeed(), alone: alone,
	}
}

// Counts says what became of the copies so far.
func (w *Window) Counts() Counts { return w.counts }

// Add takes a copy of a packet and returns the other one, if it is there already. Otherwise the copy waits for it, unless
// no packet was ever mirrored at the other end: most connections are with hosts that are not. Whoever must not miss the first
// pairs of a connection says Early.
func (w *Window) Add(p *decap.Packet, c Copy) (other Copy, ok bool) {
	here, there := &p.Src, &p.Dst
	switch c.Way {
	case Transit:
		w.Expire(c.Nanos)
		return Copy{}, false
	case Ingress:
		here, there = there, here
	case Egress:
	}
	if w.awaits(here, there, c.Nanos) {
		c.Early = false
	} else if !c.Early {
		return Copy{}, false
	}
	return w.take(w.Identity(p), &c)
}

// AddIdentity is Add for a packet whose identity was asked before: here is its address on the side of the interface that
// mirrored it, there the other one. The copy's way is known.
func (w *Window) AddIdentity(id uint64, here, there *decap.Addr, c Copy) (other Copy, ok bool) {
	if !w.awaits(here, there, c.Nanos) {
		return Copy{}, false
	}
	return w.take(id, &c)
}

// awaits notes that packets are mirrored at one end, and reports whether they were at the other as well.
func (w *Window) awaits(here, there *decap.Addr, nanos int64) bool {
	w.Expire(nanos)
	w.ends.add(here)
	return w.ends.has(there)
}

// take returns the other copy of a packet, or keeps this one.
func (w *Window) take(id uint64, c *Copy) (other Copy, ok bool) {
	if other, ok = w.match(id, c); !ok {
		w.keep(id, c)
	}
	return other, ok
}

// Expire forgets what has waited for too long. Time does not go back.
func (w *Window) Expire(nanos int64) {
	w.now = max(w.now, nanos)
	for ; w.first != w.next; w.first++ {
		c := w.at(w.first)
		if w.now-c.nanos <= int64(Span) {
			return
		}
		if !c.done && !c.early {
			w.counts.Alone++
			w.alone(c.copy())
		}
	}
}

// match finds the other copy, and takes it out of the index.
func (w *Window) match(id uint64, c *Copy) (Copy, bool) {
	var found *uint32
	link := w.head(id)
	for equal := 0; equal < maxEqual && w.holds(*link); {
		at := w.at(*link)
		if at.id == id {
			equal++
			if at.way != c.Way && at.tap != c.Tap {
				if found == nil {
					found = link
				} else if w.at(*found).tap != at.tap {
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
	other := w.at(*found)
	*found, other.done = other.older, true
	w.counts.Pairs++
	return other.copy(), true
}

// keep lets a copy wait, in the place of the oldest one if there is no other.
func (w *Window) keep(id uint64, c *Copy) {
	if w.next-w.first == uint32(len(w.copies)) {
		if oldest := w.at(w.first); !oldest.done && !oldest.early {
			w.counts.Evicted++
		}
		w.first++
	}
	link := w.head(id)
	older := *link
	if !w.holds(older) {
		older = w.first - 1 // which it will not hold again while this copy waits
	}
	*w.at(w.next) = waiting{id: id, nanos: c.Nanos, tap: c.Tap, flow: c.Flow, older: older, way: c.Way, early: c.Early}
	*link = w.next
	w.next++
}

func (w *Window) at(number uint32) *waiting { return &w.copies[number&uint32(len(w.copies)-1)] }

// holds reports whether a number is that of a copy in the ring. Copies leave the ring in the order in which they came, so
// that what lies behind a number in its chain is older still, and nothing need be taken out of chains when time passes.
func (w *Window) holds(number uint32) bool { return number-w.first < w.next-w.first }

func (w *Window) head(id uint64) *uint32 { return &w.index[id&uint64(len(w.index)-1)] }

func (c *waiting) copy() Copy { return Copy{Tap: c.tap, Flow: c.flow, Way: c.way, Nanos: c.nanos} }
