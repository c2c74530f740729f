package rx

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mirrorsink/mirrorsink/decap/netif"
)

// A ringGroup is the rings that share the traffic of one interface: opened together and closed together.
type ringGroup struct {
	cfg      RingConfig
	members  []*Ring
	warnings []string
	closed   atomic.Bool
	lost     atomic.Uint64
	port     int // the socket that holds the port
	end      int // an eventfd that is readable once the group is closed, so that all that wait wake
	once     sync.Once
	watched  chan struct{} // closed when the watching has ended; nil if it never began

	on   netif.Device // what is received from; the watcher's once it runs
	drop *dropFilter
}

// watchInterval is how often the interface is looked at. Two system calls four times a second cost nothing, and an
// interface is gone for longer than that.
const watchInterval = 250 * time.Millisecond

// errInterfaceReplaced is for an interface whose name belongs to another one since the last check.
var errInterfaceReplaced = errors.New("the interface was replaced")

// ListenRing opens cfg.Rings rings on an interface, each a source of its own. The kernel steers every datagram by its inner
// addresses and ports, so that both directions of a flow come from the same ring. It needs CAP_NET_RAW.
//
// An interface that goes down or disappears is no error: the rings are quiet until it is back, under the same name.
func ListenRing(cfg RingConfig) ([]*Ring, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("listen on a ring: %w", err)
	}
	g, err := newRingGroup(cfg)
	if err != nil {
		return nil, fmt.Errorf("listen on ring %s: %w", cfg.Interface, err)
	}
	return g.members, nil
}

func newRingGroup(cfg RingConfig) (_ *ringGroup, err error) {
	end, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("create eventfd: %w", err)
	}
	g := &ringGroup{cfg: cfg, end: end, port: -1}
	defer func() {
		if err != nil {
			g.close()
		}
	}()
	if g.port, err = holdPort(&g.cfg.Addr); err != nil {
		return nil, err
	}
	on, err := netif.Find(g.port, cfg.Interface)
	if err != nil {
		return nil, err
	}
	rings, err := g.open(on)
	if err != nil {
		return nil, err
	}
	for _, p := range rings {
		r := &Ring{group: g, poll: pollInterval, ring: p}
		r.polled = [2]unix.PollFd{{Fd: int32(g.end), Events: unix.POLLIN}, {Fd: int32(p.fd), Events: unix.POLLIN}}
		g.members = append(g.members, r)
	}
	g.watched = make(chan struct{})
	go g.watch()
	return g, nil
}

// open opens a ring for every member, and lets datagrams in once all can be steered.
func (g *ringGroup) open(on netif.Device) (rings []*packetRing, err error) {
	defer func() {
		if err != nil {
			for _, p := range rings {
				p.close()
				p.unmap()
			}
		}
	}()
	start, err := networkHeader(&on)
	if err != nil {
		return nil, err
	}
	for range g.cfg.Rings {
		p, err := openPacketRing(on.Index, g.cfg.Size)
		if err != nil {
			return rings, err
		}
		rings = append(rings, p)
	}
	if err := g.fanOut(rings); err != nil {
		return rings, err
	}
	filter := received(0, acceptProgram(start, destinationsOf(g.cfg.Addr), wholeFrame, 0))
	for _, p := range rings {
		if err := attach(p.fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, filter); err != nil {
			return rings, fmt.Errorf("set SO_ATTACH_FILTER: %w", err)
		}
	}
	if g.cfg.DropBehind {
		if g.drop, err = addDropFilter(on, g.cfg.Addr); err != nil {
			return rings, err
		}
	}
	g.on = on
	return rings, nil
}

// fanOut makes the rings a group of their own. The kernel numbers them in this order, also when the interface was down.
func (g *ringGroup) fanOut(rings []*packetRing) error {
	if len(rings) == 1 {
		return nil
	}
	const unique = unix.PACKET_FANOUT_CBPF | unix.PACKET_FANOUT_FLAG_UNIQUEID // for the first: the kernel chooses the number
	arg := unique << 16
	for i, p := range rings {
		if err := unix.SetsockoptInt(p.fd, unix.SOL_PACKET, unix.PACKET_FANOUT, arg); err != nil {
			return fmt.Errorf("set PACKET_FANOUT: %w", err)
		}
		if i > 0 {
			continue
		}
		given, err := unix.GetsockoptInt(p.fd, unix.SOL_PACKET, unix.PACKET_FANOUT)
		if err != nil {
			return fmt.Errorf("get PACKET_FANOUT: %w", err)
		}
		arg = given&0xffff | unix.PACKET_FANOUT_CBPF<<16
	}
	program := steerProgram(g.cfg.Link, behindOuter, len(rings))
	if err := attach(rings[0].fd, unix.SOL_PACKET, unix.PACKET_FANOUT_DATA, program); err != nil {
		return fmt.Errorf("set PACKET_FANOUT_DATA: %w", err)
	}
	return nil
}

// watch checks the interface until the group is closed.
func (g *ringGroup) watch() {
	defer close(g.watched)
	end := []unix.PollFd{{Fd: int32(g.end), Events: unix.POLLIN}}
	var last error
	report := func(err error) {
		if last == nil && err != nil {
			g.lost.Add(1)
		}
		if fmt.Sprint(err) != fmt.Sprint(last) {
			last = err
			g.cfg.Changed(err)
		}
	}
	for {
		pause(end, watchInterval)
		if g.closed.Load() {
			return
		}
		on, err := netif.Find(g.port, g.cfg.Interface)
		if err == nil && on.Index != g.on.Index {
			if last == nil {
				report(errInterfaceReplaced)
			}
			err = g.reopen(on)
		}
		report(err)
	}
}

// reopen gives every member a new ring, on an interface that has the name of the old one.
func (g *ringGroup) reopen(on netif.Device) error {
	rings, err := g.open(on)
	if err != nil {
		return err
	}
	for i, r := range g.members {
		if unused := r.next.Swap(rings[i]); unused != nil {
			unused.close()
			unused.unmap()
		}
	}
	return nil
}

// close wakes all that wait, waits for them to leave and closes everything. The kernel takes traffic to its stack again.
func (g *ringGroup) close() {
	g.once.Do(func() {
		g.closed.Store(true)
		var one [8]byte
		binary.NativeEndian.PutUint64(one[:], 1)
		_, _ = unix.Write(g.end, one[:]) // an eventfd takes this unless it is full
		if g.watched != nil {
			<-g.watched
		}
		for _, r := range g.members {
			r.release()
		}
		if g.drop != nil {
			_ = g.drop.remove()
		}
		if g.port >= 0 {
			_ = unix.Close(g.port)
		}
		_ = unix.Close(g.end)
	})
}
