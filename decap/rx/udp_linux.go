package rx

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/mirrorsink/mirrorsink/decap"
)

// nap is how long a reader that finds nothing sleeps whatever arrives, before it asks the kernel to be woken. A wake-up
// costs more than reading a datagram does, and after a nap there is a batch to read. Measured on two cores, it makes the
// reader's CPU time for a datagram 1.1 us instead of 2.7 at 200 000 a second, and 2.2 instead of 4.1 at 50 000; a second
// nap saves no more. It adds as much to the latency, and the receive buffer must hold what comes meanwhile: at a million
// datagrams a second, 200 of them.
const nap = 200 * time.Microsecond

// UDP is one socket of a group that ListenUDP opened, and a source as the package describes. One goroutine may Read; the
// other methods may be called from any goroutine.
type UDP struct {
	group *group
	cfg   UDPConfig
	poll  time.Duration // pollInterval
	msgs  *messages     // the reader's
	err   error         // the reader's: why no Read will succeed any more

	life   sync.RWMutex   // held for reading while fd is in use, for writing to close it
	fd     int            // -1 when closed
	polled [2]unix.PollFd // the group's end, and a datagram

	received, truncated atomic.Uint64

	dropsMu  sync.Mutex // guards the following fields
	drops    uint64
	rawDrops uint32 // the kernel's counter, when it was last read
}

// Read waits for datagrams and fills b with up to a batch of them. After pollInterval without one it returns an empty
// batch, after Close os.ErrClosed.
func (u *UDP) Read(b *decap.Batch) error {
	u.life.RLock()
	defer u.life.RUnlock()
	if err := u.take(b); err != nil || b.N > 0 {
		return err
	}
	deadline := time.Now().Add(u.poll)
	pause(u.polled[:1], min(nap, u.poll))
	for {
		if err := u.take(b); err != nil || b.N > 0 {
			return err
		}
		left := time.Until(deadline)
		if left <= 0 {
			return nil
		}
		pause(u.polled[:2], left)
	}
}

// take fills b with the datagrams that have arrived, without waiting.
func (u *UDP) take(b *decap.Batch) error {
	b.N = 0
	if u.group.closed.Load() {
		return os.ErrClosed
	}
	if u.err != nil {
		return u.err
	}
	n, err := u.msgs.receive(u.fd)
	switch {
	case err == nil:
		u.received.Add(uint64(n))
		u.truncated.Add(uint64(u.msgs.fill(b, n, u.cfg.Link)))
	case !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.EINTR):
		u.err = fmt.Errorf("receive on udp %s: %w", u.cfg.Addr, err)
	}
	return u.err
}

// pause sleeps until one of the descriptors is readable or the time is over. A signal may end it early, which a caller
// that looks for datagrams anyway need not know.
func pause(until []unix.PollFd, d time.Duration) {
	timeout := unix.NsecToTimespec(int64(d))
	_, _ = unix.Ppoll(until, &timeout, nil)
}

// Close closes the whole group that the socket belongs to, since the kernel would renumber what is left of it and flows
// would meet the wrong worker. It ends every Read that is under way. The counters keep their last values.
func (u *UDP) Close() error {
	u.group.close()
	return nil
}

// release closes the socket once no Read and no Drops is using it. The group's end must have been announced.
func (u *UDP) release() {
	u.life.Lock()
	defer u.life.Unlock()
	u.countDrops()
	_ = unix.Close(u.fd)
	u.fd = -1
}

// Addr returns the address that the group listens on, with the port that the kernel chose if none was given.
func (u *UDP) Addr() netip.AddrPort { return u.cfg.Addr }

// Received returns how many datagrams were read.
func (u *UDP) Received() uint64 { return u.received.Load() }

// Truncated returns how many datagrams were read in part, because they were longer than a slot.
func (u *UDP) Truncated() uint64 { return u.truncated.Load() }

// Warnings returns what the operator should know about the group's sockets, a line each, the same for every member.
func (u *UDP) Warnings() []string { return u.group.warnings }

// Drops returns how many datagrams the kernel dropped at this socket, for want of room in its receive buffer above all.
// It is exact at any time: what was sent to the socket is Received, Drops or still in its buffer.
func (u *UDP) Drops() uint64 {
	u.life.RLock()
	defer u.life.RUnlock()
	return u.countDrops()
}

// countDrops brings the counter up to date and returns it. The caller holds life in some way.
func (u *UDP) countDrops() uint64 {
	u.dropsMu.Lock()
	defer u.dropsMu.Unlock()
	if u.fd < 0 {
		return u.drops
	}
	if raw, err := socketDrops(u.fd); err == nil {
		u.drops += uint64(raw - u.rawDrops) // right when the 32-bit counter wraps, too
		u.rawDrops = raw
	}
	return u.drops
}

// socketDrops reads the kernel's counter. SO_MEMINFO is exact. The control message of SO_RXQ_OVFL lacks what was
// dropped since the datagram before.
func socketDrops(fd int) (uint32, error) {
	var info [unix.SK_MEMINFO_VARS]uint32
	size := uint32(unsafe.Sizeof(info))
	_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(fd), unix.SOL_SOCKET, unix.SO_MEMINFO,
		uintptr(unsafe.Pointer(&info)), uintptr(unsafe.Pointer(&size)), 0)
	if errno != 0 {
		return 0, errno
	}
	return info[unix.SK_MEMINFO_DROPS], nil
}
