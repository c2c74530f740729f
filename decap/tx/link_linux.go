package tx

import (
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// A device is a network interface as it was found.
type device struct {
	index int
	mtu   int
	made  uint32 // tells the taps apart that were made one after another; 0 for what is not ours
}

// A link follows one interface, which may go away and come back. The ways of all workers share it. Once a second one of them looks at
// the interface.
//
// Whether it is back only a frame can tell: find may not see all, as a tap may live in another network namespace by now. So the one
// who looked is let through to try.
type link struct {
	name    string
	spec    string // as people wrote it
	log     *slog.Logger
	control int                    // any socket, for questions about interfaces
	find    func() (device, error) // finds the interface, or makes it; called by one goroutine at a time

	at   atomic.Pointer[device] // as it was found last; never nil once open
	down atomic.Bool
	next atomic.Int64 // when to look next, by the clock of lookClock

	mu      sync.Mutex // held to change what is above, and to guard the following
	outages uint64
}

// lookInterval is how long a change goes unnoticed at most that no error tells of, and how long frames are dropped at least when the
// interface went away. Looking costs some microseconds of a worker.
const lookInterval = time.Second

var (
	errInterfaceReplaced = errors.New("another interface has its name now")
	// errNoCarrier is for an interface that is up while the other end is not: what is sent vanishes without an error.
	errNoCarrier = errors.New("the interface has no carrier: its other end is down or not connected")
)

var lookStart = time.Now()

// lookClock is monotonic, and costs less than a time.Time to share.
func lookClock() int64 { return int64(time.Since(lookStart)) }

// open finds the interface for the first time. It may still lack a carrier.
func (l *link) open() error {
	d, err := l.find()
	if err != nil && !errors.Is(err, errNoCarrier) {
		return err
	}
	l.at.Store(&d)
	if err != nil {
		l.lost(&d, err)
	}
	return nil
}

// use returns the interface to send to. It is nil while that is away, but for the one who is to try.
func (l *link) use() *device {
	now, next := lookClock(), l.next.Load()
	found := now >= next && l.next.CompareAndSwap(next, now+int64(lookInterval)) && l.look()
	if l.down.Load() && !found {
		return nil
	}
	return l.at.Load()
}

// look looks at the interface, and reports whether there is one.
func (l *link) look() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	last := l.at.Load()
	d, err := l.find()
	if err == nil && (d.index != last.index || d.made != last.made) {
		l.away(errInterfaceReplaced)
	}
	if err != nil {
		l.away(err)
		return false
	}
	if d != *last || l.down.Load() {
		l.at.Store(&d)
	}
	return true
}

// lost notes that d could not be sent to. Who tells of an interface as it was before it was looked at again tells nothing new.
func (l *link) lost(d *device, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if d == l.at.Load() {
		l.away(err)
	}
}

// away says and counts it once. The caller holds mu.
func (l *link) away(err error) {
	if l.down.Swap(true) {
		return
	}
	l.outages++
	l.next.Store(lookClock() + int64(lookInterval))
	l.log.Warn("the interface takes no frames: what is to be forwarded to it is dropped until it does", "target", l.spec, "error", err)
}

// back notes that a frame was sent to d.
func (l *link) back(d *device) {
	if !l.down.Load() {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if d == l.at.Load() && l.down.Swap(false) {
		l.log.Info("the interface takes frames again", "target", l.spec)
	}
}

func (l *link) countOutages() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.outages
}
