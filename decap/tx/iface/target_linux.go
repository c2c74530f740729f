package iface

import (
	"errors"
	"fmt"
	"log/slog"

	"golang.org/x/sys/unix"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/decap/netif"
	"github.com/mirrorsink/mirrorsink/decap/tx"
)

// target is a tx.Target that is an interface.
type target struct {
	cfg      Config
	link     link
	counters tx.Counters
	open     func() (port, error)
	close    func() // nil if nothing is to be done
}

func newTarget(kind, name string, control int, cfg Config) *target {
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	t := &target{cfg: cfg}
	t.link.name, t.link.spec, t.link.log, t.link.control = name, kind+name, cfg.Log, control
	return t
}

// Open returns a target that puts frames into the named interface as if the host sent them: a veth whose other end a program reads, a
// dummy interface, or a network card. Programs that read the interface itself see the frames too. It needs CAP_NET_RAW.
//
// The interface must exist and be up. While it has no carrier frames are dropped. If it is deleted, they are dropped until an
// interface of that name exists again, whatever its index.
func Open(name string, cfg Config) (tx.Target, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	control, err := packetSocket()
	if err != nil {
		return nil, err
	}
	t := newTarget("iface:", name, control, cfg)
	t.open = openPacketPort
	t.link.find = func() (device, error) { return findDevice(control, name) }
	if err := t.link.open(); err != nil {
		return nil, errors.Join(err, t.Close())
	}
	return t, nil
}

// Open returns an Out with a descriptor of its own.
func (t *target) Open() (tx.Out, error) {
	p, err := t.open()
	if err != nil {
		return nil, err
	}
	o := &out{target: t, port: p}
	if t.cfg.Segment {
		o.heads = make([]byte, decap.BatchSize*decap.MaxHead)
	}
	d := t.link.at.Load()
	if err := p.attach(d); err != nil {
		_ = p.close()
		return nil, err
	}
	o.attached(d)
	return o, nil
}

// Counts returns what was flushed so far.
func (t *target) Counts() tx.Counts {
	c := t.counters.Counts()
	c.Outages = t.link.countOutages()
	return c
}

// Close releases the interface.
func (t *target) Close() error {
	if t.close != nil {
		t.close()
	}
	return unix.Close(t.link.control)
}

// findDevice returns the named Ethernet interface, which must be up. fd is any network socket. With errNoCarrier it returns the
// interface as well.
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
