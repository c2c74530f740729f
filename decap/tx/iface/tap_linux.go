package iface

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/mirrorsink/mirrorsink/decap/netif"
	"github.com/mirrorsink/mirrorsink/decap/tx"
)

// tapMTU is larger than any frame of a VPC, whose MTU is 9001, with tags of its own and ours. A tap accepts up to 65521, but programs
// that read an interface size the slot of every frame for the MTU: at 65521 Suricata's default blocks of 32 KiB are too small.
const tapMTU = 9216

// tapFlags make a tap that takes bare Ethernet frames, by any number of queues.
const tapFlags = unix.IFF_TAP | unix.IFF_NO_PI | unix.IFF_MULTI_QUEUE

// OpenTap makes a tap, an interface at which the frames arrive as from a wire, and returns it as a target. The tap is gone when the
// target is closed or the process ends. It has no address and takes part in no protocol, neither ARP nor IPv6. It needs CAP_NET_ADMIN.
//
// A tap that is deleted is made again. One that is set down takes frames again when it is up, also in another network namespace that it
// was moved to. An interface of that name must not exist.
func OpenTap(name string, cfg Config) (tx.Target, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	control, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("create socket: %w", err)
	}
	t := newTarget("tap:", name, control, cfg)
	tap := &tap{name: name, fd: -1, control: control}
	t.open = func() (port, error) { return &tapPort{tap: tap, fd: -1}, nil }
	t.link.find = tap.find
	t.close = tap.close
	if err := t.link.open(); err != nil {
		return nil, errors.Join(err, t.Close())
	}
	for _, warning := range tap.warnings {
		t.cfg.Log.Warn(warning, "target", t.link.spec)
	}
	return t, nil
}

// A tap is the interface itself, which exists as long as its first queue. Each port has a queue of its own for frames.
type tap struct {
	name    string
	control int

	mu       sync.Mutex // guards the following fields
	fd       int        // of the first queue; -1 for none
	made     uint32     // how many taps were made
	mtu      int
	warnings []string // from making it
}

// find makes the tap if there is none, and returns it.
func (t *tap) find() (device, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.exists() {
		t.drop()
		if err := t.make(); err != nil {
			t.drop()
			return device{}, err
		}
		t.made++
		t.mtu = tapMTU
	}
	if mtu, err := netif.MTU(t.control, t.name); err == nil { // it fails once the tap was moved to another namespace
		t.mtu = mtu
	}
	return device{mtu: t.mtu, made: t.made}, nil
}

// exists reports whether the first queue still belongs to an interface.
func (t *tap) exists() bool {
	if t.fd < 0 {
		return false
	}
	_, err := netif.Ask(t.fd, t.name, unix.TUNGETIFF)
	return err == nil
}

func (t *tap) make() error {
	fd, err := openTapQueue(t.name, unix.IFF_TUN_EXCL)
	if err != nil {
		return err
	}
	t.fd = fd
	t.warnings = nil
	// Before it is up, so that the kernel sends nothing.
	path := filepath.Join("/proc/sys/net/ipv6/conf", t.name, "disable_ipv6")
	if err := os.WriteFile(path, []byte("1"), 0); err != nil && !errors.Is(err, os.ErrNotExist) {
		t.warnings = append(t.warnings, fmt.Sprintf("the kernel's own IPv6 packets will be among the frames: %v", err))
	}
	request, err := unix.NewIfreq(t.name)
	if err != nil {
		return err
	}
	request.SetUint32(tapMTU)
	if err := unix.IoctlIfreq(t.control, unix.SIOCSIFMTU, request); err != nil {
		return fmt.Errorf("set MTU %d: %w", tapMTU, err)
	}
	// Without IFF_NOARP the kernel would answer ARP requests for the host's own addresses among the mirrored frames.
	request.SetUint16(unix.IFF_UP | unix.IFF_NOARP)
	if err := unix.IoctlIfreq(t.control, unix.SIOCSIFFLAGS, request); err != nil {
		return fmt.Errorf("set up: %w", err)
	}
	return nil
}

// queue opens one more queue of the tap of a number. If that tap is deleted just then, the kernel makes another one, which must not
// stay.
func (t *tap) queue(made uint32) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	fd, err := openTapQueue(t.name, 0)
	if err != nil {
		return -1, err
	}
	if made != t.made || !t.exists() {
		_ = unix.Close(fd)
		return -1, unix.ENODEV
	}
	return fd, nil
}

func (t *tap) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.drop()
}

func (t *tap) drop() {
	if t.fd >= 0 {
		_ = unix.Close(t.fd)
		t.fd = -1
	}
}

// openTapQueue opens a queue of the named tap, which the kernel makes if there is none.
func openTapQueue(name string, more uint16) (int, error) {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return -1, fmt.Errorf("open /dev/net/tun (\"modprobe tun\" makes it): %w", err)
	}
	request, err := unix.NewIfreq(name)
	if err == nil {
		request.SetUint16(tapFlags | more)
		err = unix.IoctlIfreq(fd, unix.TUNSETIFF, request)
	}
	if err != nil {
		_ = unix.Close(fd)
		return -1, tapError(name, err)
	}
	return fd, nil
}

func tapError(name string, err error) error {
	switch {
	case errors.Is(err, unix.EPERM):
		return fmt.Errorf("making a tap needs CAP_NET_ADMIN (systemd: AmbientCapabilities=CAP_NET_ADMIN): %w", err)
	case errors.Is(err, unix.EBUSY):
		return fmt.Errorf("there is an interface %s already, which is not taken over: choose another name, or forward to it with iface:%s", name, name)
	}
	return fmt.Errorf("make tap %s: %w", name, err)
}

// tapPort is a queue of a tap. It is kept while the tap is down.
type tapPort struct {
	tap  *tap
	made uint32 // the number of the tap that it belongs to
	fd   int    // -1 for none

	joined [2048]byte // a frame that came in two parts; room for one of an MTU of 1500
}

func (p *tapPort) attach(d *device) error {
	if p.fd >= 0 && p.made == d.made {
		return nil
	}
	if err := p.close(); err != nil {
		return err
	}
	fd, err := p.tap.queue(d.made)
	p.fd, p.made = fd, d.made
	return err
}

func (p *tapPort) close() error {
	if p.fd < 0 {
		return nil
	}
	fd := p.fd
	p.fd = -1
	return unix.Close(fd)
}

// send writes frame by frame: a tap takes one at a time.
func (p *tapPort) send(q *queue, first int) (int, error) {
	for i := first; i < q.n; i++ {
		errno := p.write(q, i)
		if errno == 0 {
			continue
		}
		if i > first {
			return i - first, nil
		}
		return 0, errno
	}
	return q.n - first, nil
}

// write writes one frame. The calls never block, so they bypass Go's scheduler. Writing a frame in one part with write takes a sixth
// less time than in two parts with writev. That is more than joining the parts costs, unless they are long.
func (p *tapPort) write(q *queue, i int) (errno unix.Errno) {
	whole, size := q.parts[i][0].Base, q.sizes[i]
	switch {
	case q.count(i) == 1:
	case size <= len(p.joined):
		q.join(i, p.joined[:0])
		whole = &p.joined[0]
	default:
		_, _, errno = unix.RawSyscall(unix.SYS_WRITEV, uintptr(p.fd), uintptr(unsafe.Pointer(&q.parts[i])), 2)
		return errno
	}
	_, _, errno = unix.RawSyscall(unix.SYS_WRITE, uintptr(p.fd), uintptr(unsafe.Pointer(whole)), uintptr(size))
	return errno
}
