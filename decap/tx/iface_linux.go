package tx

import (
	"errors"
	"fmt"
	"log/slog"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/decap/mmsg"
	"github.com/mirrorsink/mirrorsink/decap/netif"
)

// netTarget is a Target that is an interface.
type netTarget struct {
	cfg   IfaceConfig
	link  link
	tally tally
	open  func() (way, error)
	close func() // nil for nothing
}

func newNetTarget(kind, name string, control int, cfg IfaceConfig) *netTarget {
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	t := &netTarget{cfg: cfg}
	t.link.name, t.link.spec, t.link.log, t.link.control = name, kind+name, cfg.Log, control
	return t
}

// OpenIface returns a Target that puts frames into the network interface of a name as if the host sent them: a veth whose other end
// a program reads, a dummy interface, or one with a wire. Who reads the interface itself sees them too. It needs CAP_NET_RAW.
//
// The interface must be there and be up. While it has no carrier frames are dropped, and if it goes away later until it is back,
// under whatever number.
func OpenIface(name string, cfg IfaceConfig) (Target, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	control, err := packetSocket()
	if err != nil {
		return nil, err
	}
	t := newNetTarget("iface:", name, control, cfg)
	t.open = openPacketWay
	t.link.find = func() (device, error) { return findDevice(control, name) }
	if err := t.link.open(); err != nil {
		return nil, errors.Join(err, t.Close())
	}
	return t, nil
}

// Open returns a way with a descriptor of its own.
func (t *netTarget) Open() (Out, error) {
	w, err := t.open()
	if err != nil {
		return nil, err
	}
	o := &netOut{target: t, way: w, lost: Losses}
	if t.cfg.Segment {
		o.heads = make([]byte, decap.BatchSize*decap.MaxHead)
	}
	d := t.link.at.Load()
	if err := w.attach(d); err != nil {
		_ = w.close()
		return nil, err
	}
	o.on, o.limit = d, d.mtu+etherLen
	return o, nil
}

// Counts returns what was flushed so far.
func (t *netTarget) Counts() Counts {
	c := t.tally.counts()
	c.Outages = t.link.countOutages()
	return c
}

// Close lets go of the interface.
func (t *netTarget) Close() error {
	if t.close != nil {
		t.close()
	}
	return unix.Close(t.link.control)
}

// findDevice returns the Ethernet interface of a name, which must be up. fd is any network socket. With errNoCarrier comes the
// interface all the same.
func findDevice(fd int, name string) (d device, err error) {
	found, err := netif.Find(fd, name)
	if err == nil {
		err = found.WantEthernet()
	}
	if err != nil {
		return d, err
	}
	d.index = found.Index
	if d.mtu, err = netif.MTU(fd, name); err == nil && !found.Running {
		err = errNoCarrier
	}
	return d, err
}

// packetSocket returns a packet socket of no protocol, so that it receives nothing.
func packetSocket() (int, error) {
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	switch {
	case errors.Is(err, unix.EPERM):
		return -1, fmt.Errorf("putting frames into an interface needs CAP_NET_RAW (systemd: AmbientCapabilities=CAP_NET_RAW): %w", err)
	case err != nil:
		return -1, fmt.Errorf("create packet socket: %w", err)
	}
	return fd, nil
}

// packetWay is a packet socket. It asks for no PACKET_QDISC_BYPASS, with which those who read the interface itself, such as a
// dummy one, would not see the frames.
type packetWay struct {
	fd   int
	to   unix.RawSockaddrLinklayer
	hdrs [decap.BatchSize]mmsg.Header
}

// packetBuffer is what may wait in the queues of an interface with a wire. At 10 Gbit/s they drain it in some milliseconds. The
// kernel accounts half of it to its own headers.
const packetBuffer = 4 << 20

func openPacketWay() (way, error) {
	fd, err := packetSocket()
	if err != nil {
		return nil, err
	}
	_ = mmsg.SetSendBuffer(fd, packetBuffer) // with less it is only busy sooner
	w := &packetWay{fd: fd, to: unix.RawSockaddrLinklayer{Family: unix.AF_PACKET}}
	for i := range w.hdrs {
		h := &w.hdrs[i].Msghdr
		h.Name = (*byte)(unsafe.Pointer(&w.to))
		h.Namelen = unix.SizeofSockaddrLinklayer
	}
	return w, nil
}

func (w *packetWay) attach(d *device) error {
	w.to.Ifindex = int32(d.index)
	return nil
}

func (w *packetWay) close() error { return unix.Close(w.fd) }

func (w *packetWay) send(q *queue, first int) (int, error) {
	hdrs := w.hdrs[first:q.n]
	for i := range hdrs {
		h := &hdrs[i].Msghdr
		h.Iov = &q.parts[first+i][0]
		h.SetIovlen(q.count(first + i))
	}
	return mmsg.Send(w.fd, hdrs, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
}
