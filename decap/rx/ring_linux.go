package rx

import (
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mirrorsink/mirrorsink/decap"
)

// ringNap is how long a reader that finds no block sleeps whatever arrives, before it asks the kernel to be woken: otherwise
// that wakes it for each block, and each time Go passes the thread's work on to another one. Measured, it makes the reader's
// share of a core 13 % instead of 33 % at a million datagrams a second, and 5 % instead of 8 % at 200 000. Two milliseconds
// would save little more, and keep workers further apart; see blockTimeout.
const ringNap = time.Millisecond

// Ring is one packet ring of a group that ListenRing opened, and a source as the package describes. One goroutine may Read;
// the other methods may be called from any goroutine.
//
// A frame that the kernel has merged from several datagrams is returned as those. Of a datagram in IP fragments the first fragment is
// returned, as a truncated datagram; a socket would have reassembled it. A frame with invalid outer headers is returned as a datagram
// without data, so that it is counted.
type Ring struct {
	group  *ringGroup
	poll   time.Duration              // pollInterval
	polled [2]unix.PollFd             // the group's end, and a block; the reader's
	next   atomic.Pointer[packetRing] // replaces ring once that is read to its end

	life sync.RWMutex // held for reading while ring is in use, for writing to close it

	countMu sync.Mutex  // guards the following fields, for reading the counters while the reader reads
	ring    *packetRing // set by the reader
	counted ringStats

	received, truncated atomic.Uint64
}

// Read waits for datagrams and fills b with up to a batch of them, which stay in the ring's memory until the next Read. After
// pollInterval without one it returns an empty batch, after Close os.ErrClosed.
func (r *Ring) Read(b *decap.Batch) error {
	r.life.RLock()
	defer r.life.RUnlock()
	r.ring.giveBack()
	if err := r.take(b); err != nil || b.N > 0 {
		return err
	}
	deadline := time.Now().Add(r.poll)
	pause(r.polled[:1], min(ringNap, r.poll))
	for {
		if err := r.take(b); err != nil || b.N > 0 {
			return err
		}
		left := time.Until(deadline)
		if left <= 0 {
			return nil
		}
		r.wait(left)
	}
}

// take fills b with the datagrams that have arrived, without waiting.
func (r *Ring) take(b *decap.Batch) error {
	b.N = 0
	if r.group.closed.Load() {
		r.ring.unmap()
		return os.ErrClosed
	}
	truncated := r.ring.fill(b, r.group.cfg.Link)
	if b.N == 0 {
		r.renew()
		return nil
	}
	r.received.Add(uint64(b.N))
	if truncated > 0 {
		r.truncated.Add(uint64(truncated))
	}
	return nil
}

// wait sleeps until there is a block to read or the time is over. An interface that went away makes the socket report an
// error once, which is the group's to deal with.
func (r *Ring) wait(d time.Duration) {
	pause(r.polled[:], d)
	if r.polled[1].Revents&unix.POLLERR != 0 {
		_, _ = unix.GetsockoptInt(r.ring.fd, unix.SOL_SOCKET, unix.SO_ERROR)
	}
}

// renew changes over to the ring of an interface that came back, if there is one. Nothing may be left in the old one.
func (r *Ring) renew() {
	next := r.next.Swap(nil)
	if next == nil {
		return
	}
	old := r.ring
	r.countMu.Lock()
	r.count()
	old.close()
	r.ring = next
	r.countMu.Unlock()
	r.polled[1].Fd = int32(next.fd)
	old.unmap()
}

// Close closes the whole group that the ring belongs to. It ends every Read that is under way. The counters keep their last
// values.
func (r *Ring) Close() error {
	r.group.close()
	return nil
}

// release closes the ring once no Read is using it. The group's end must have been announced. The reader releases
// the memory, since its last batch points into it.
func (r *Ring) release() {
	r.life.Lock()
	defer r.life.Unlock()
	r.countMu.Lock()
	defer r.countMu.Unlock()
	r.count()
	r.ring.close()
	if next := r.next.Swap(nil); next != nil {
		next.close()
		next.unmap()
	}
}

// Addr returns the outer destination, with the port that the kernel chose if none was given.
func (r *Ring) Addr() netip.AddrPort { return r.group.cfg.Addr }

// Received returns how many datagrams were read.
func (r *Ring) Received() uint64 { return r.received.Load() }

// Truncated returns how many datagrams were read in part: IP fragments, and frames that the kernel truncated.
func (r *Ring) Truncated() uint64 { return r.truncated.Load() }

// Warnings returns warnings about the group's rings for the operator, one line each, the same for every member.
func (r *Ring) Warnings() []string { return r.group.warnings }

// Lost returns how often the group's interface could not be received from any more.
func (r *Ring) Lost() uint64 { return r.group.lost.Load() }

// Drops returns how many datagrams the kernel dropped for want of room in this ring. It is exact at any time: what reached
// the interface is Received, Drops or still in the ring. (A frame merged from several datagrams counts as one.)
func (r *Ring) Drops() uint64 { return r.stats().drops }

// Freezes returns how often the kernel found no free block in this ring: the reader was a whole ring behind. Until it has
// given the next one back everything is dropped.
func (r *Ring) Freezes() uint64 { return r.stats().freezes }

func (r *Ring) stats() ringStats {
	r.countMu.Lock()
	defer r.countMu.Unlock()
	r.count()
	return r.counted
}

// count brings the counters up to date. The caller holds countMu.
func (r *Ring) count() {
	s := r.ring.takeStats()
	r.counted.drops += s.drops
	r.counted.freezes += s.freezes
}
