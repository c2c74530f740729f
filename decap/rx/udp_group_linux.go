package rx

import (
	"encoding/binary"
	"fmt"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/mirrorsink/mirrorsink/decap"
)

// A group is the sockets that share one address: opened together and closed together.
type group struct {
	members  []*UDP
	warnings []string
	closed   atomic.Bool
	end      int // an eventfd that is readable once the group is closed, so that a waiting Read wakes
	once     sync.Once
}

// ListenUDP opens cfg.Sockets sockets on one address, each a source of its own. The kernel steers every datagram by its
// inner addresses and ports, so that both directions of a flow come from the same socket. The port must be free: a group
// never shares it with another program.
//
// What arrives while the group is being opened is dropped, and counted as such: it could not be steered.
func ListenUDP(cfg UDPConfig) ([]*UDP, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("listen on udp: %w", err)
	}
	g, err := newGroup(cfg)
	if err != nil {
		return nil, fmt.Errorf("listen on udp %s: %w", cfg.Addr, err)
	}
	return g.members, nil
}

func newGroup(cfg UDPConfig) (_ *group, err error) {
	end, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("create eventfd: %w", err)
	}
	g := &group{end: end}
	defer func() {
		if err != nil {
			g.close()
		}
	}()
	for range cfg.Sockets {
		if err := g.add(&cfg); err != nil {
			return nil, err
		}
	}
	return g, g.start(cfg.Link)
}

// add opens one more socket. It writes the port that the kernel chose to cfg, for those that follow.
func (g *group) add(cfg *UDPConfig) error {
	msgs, err := newMessages(maxDatagram)
	if err != nil {
		return err
	}
	fd, err := unix.Socket(family(cfg.Addr), unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.IPPROTO_UDP)
	if err != nil {
		return fmt.Errorf("create socket: %w", err)
	}
	u := &UDP{group: g, poll: pollInterval, msgs: msgs, fd: fd}
	u.polled = [2]unix.PollFd{{Fd: int32(g.end), Events: unix.POLLIN}, {Fd: int32(fd), Events: unix.POLLIN}}
	g.members = append(g.members, u)
	if err := g.prepare(fd, cfg); err != nil {
		return err
	}
	if err := bind(fd, cfg, len(g.members) == 1); err != nil {
		return err
	}
	u.cfg = *cfg
	return nil
}

// prepare sets what must be set before the socket has an address. It leaves a filter there that drops everything.
func (g *group) prepare(fd int, cfg *UDPConfig) error {
	if err := attach(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, takeNothing); err != nil {
		return fmt.Errorf("set SO_ATTACH_FILTER: %w", err)
	}
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1); err != nil {
		return fmt.Errorf("set SO_TIMESTAMPNS: %w", err)
	}
	if family(cfg.Addr) == unix.AF_INET6 {
		if err := prepareIPv6(fd); err != nil {
			return err
		}
	}
	if cfg.ReceiveBuffer == 0 {
		return nil
	}
	warning, err := setReceiveBuffer(fd, cfg.ReceiveBuffer)
	if warning != "" && len(g.warnings) == 0 {
		g.warnings = append(g.warnings, warning)
	}
	return err
}

// start steers the group's datagrams and lets them in.
func (g *group) start(link decap.Link) error {
	if n := len(g.members); n > 1 {
		if err := attach(g.members[0].fd, unix.SOL_SOCKET, unix.SO_ATTACH_REUSEPORT_CBPF, steerProgram(link, atPayload, n)); err != nil {
			return fmt.Errorf("set SO_ATTACH_REUSEPORT_CBPF: %w", err)
		}
	}
	for _, u := range g.members {
		if err := unix.SetsockoptInt(u.fd, unix.SOL_SOCKET, unix.SO_DETACH_FILTER, 0); err != nil {
			return fmt.Errorf("set SO_DETACH_FILTER: %w", err)
		}
	}
	return nil
}

// close wakes every Read, waits for it to leave and closes the sockets.
func (g *group) close() {
	g.once.Do(func() {
		g.closed.Store(true)
		var one [8]byte
		binary.NativeEndian.PutUint64(one[:], 1)
		_, _ = unix.Write(g.end, one[:]) // an eventfd takes this unless it is full
		for _, u := range g.members {
			u.release()
		}
		_ = unix.Close(g.end)
	})
}
