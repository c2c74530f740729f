package iface

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
	made  uint32 // the number of the tap, if it is one of ours; 0 for other interfaces
}

// A link follows one interface, which may go away and come back. The Outs of all workers share it. Once a second one of them checks the
// interface.
//
// Only a frame shows whether the interface is back: find may not see everything, since a tap may have been moved to another network
// namespace. So the Out that checked is let through to try.
type link struct {
	name    string
	spec    string // as the operator wrote it
	log     *slog.Logger
	control int                    // any socket, to ask the kernel about interfaces
	find    func() (device, error) // finds the interface, or makes it; called by one goroutine at a time

	at   atomic.Pointer[device] // as it was found last; never nil once open
	down atomic.Bool
	next atomic.Int64 // when to check next, by the clock of checkClock

	mu      sync.Mutex // held to change the fields above, and to read and change the following
	outages uint64
}

// checkInterval bounds how long a change goes unnoticed that no error shows. It is also how long frames are dropped at least after the
// interface went away. A check costs a worker some microseconds.
const checkInterval = time.Second

var (
	errInterfaceReplaced = errors.New("another interface has its name now")
	// errNoCarrier is for an interface that is up while the other end is not: frames vanish there without an error.
	errNoCarrier = errors.New("the interface has no carrier: its other end is down or not connected")
)

var clockStart = time.Now()

// checkClock is monotonic. Unlike a time.Time it fits an atomic integer.
func checkClock() int64 { return int64(time.Since(clockStart)) }

// open finds the interface for the first time. It may lack a carrier.
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

// use returns the interface to send to. While that is away it returns nil, except to the caller that is to try.
func (l *link) use() *device {
	now, next := checkClock(), l.next.Load()
	found := now >= next && l.next.CompareAndSwap(next, now+int64(checkInterval)) && l.check()
	if l.down.Load() && !found {
		return nil
	}
	return l.at.Load()
}

// check looks for the interface, and reports whether there is one.
func (l *link) check() bool {
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

// lost records that d could not be sent to. It is ignored if the interface was checked since d was returned.
func (l *link) lost(d *device, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if d == l.at.Load() {
		l.away(err)
	}
}

// away logs and counts an outage once. The caller holds mu.
func (l *link) away(err error) {
	if l.down.Swap(true) {
		return
	}
	l.outages++
	l.next.Store(checkClock() + int64(checkInterval))
	l.log.Warn("the interface takes no frames: what is to be forwarded to it is dropped until it does", "target", l.spec, "error", err)
}

// back records that a frame was sent to d.
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
