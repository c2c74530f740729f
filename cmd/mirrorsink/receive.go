package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/decap/rx"
)

// receiver is a source of mirrored datagrams, of one worker.
type receiver interface {
	source
	Addr() netip.AddrPort
	Warnings() []string
	Drops() uint64
	Truncated() uint64
}

var (
	_ receiver = (*rx.UDP)(nil)
	_ receiver = (*rx.Ring)(nil)
)

// liveSource is a flag that says by which way datagrams come: "udp" for sockets, which is the zero value, or "ring:" and the
// name of an interface.
type liveSource struct{ ring string }

const ringPrefix = "ring:"

// Set takes a source.
func (s *liveSource) Set(text string) error {
	name, isRing := strings.CutPrefix(text, ringPrefix)
	if !isRing && text != "udp" || isRing && name == "" {
		return errors.New("want udp, or ring: and an interface, such as ring:eth0")
	}
	*s = liveSource{}
	if isRing {
		s.ring = name
	}
	return nil
}

// String returns the source as Set takes it.
func (s *liveSource) String() string {
	if s.ring == "" {
		return "udp"
	}
	return ringPrefix + s.ring
}

// Type names the value in help texts.
func (*liveSource) Type() string { return "source" }

// receive opens a group of sources, one for each worker.
func (l *listener) receive(addr address, link decap.Link) error {
	if !addr.IsValid() {
		return nil
	}
	open := l.openSockets
	if l.opts.source.ring != "" {
		open = l.openRings
	}
	receivers, err := open(addr.AddrPort, link)
	if err != nil {
		return err
	}
	group := make([]source, len(receivers))
	for i, r := range receivers {
		group[i] = r
	}
	l.groups = append(l.groups, group)
	l.receivers = append(l.receivers, receivers...)
	for _, w := range receivers[0].Warnings() {
		l.log.Warn(w)
	}
	l.log.Info("receiving", "address", receivers[0].Addr().String(), "workers", len(receivers), "source", l.opts.source.String())
	return nil
}

func (l *listener) openSockets(addr netip.AddrPort, link decap.Link) ([]receiver, error) {
	sockets, err := rx.ListenUDP(rx.UDPConfig{
		Addr: addr, Sockets: l.opts.workers, ReceiveBuffer: int(l.opts.receiveBuffer), Link: link,
	})
	return receiversOf(sockets), err
}

func (l *listener) openRings(addr netip.AddrPort, link decap.Link) ([]receiver, error) {
	watched := &interfaceWatch{name: l.opts.source.ring, log: l.log, ready: &l.ready}
	rings, err := rx.ListenRing(rx.RingConfig{
		Interface: l.opts.source.ring, Addr: addr, Rings: l.opts.workers, Size: int(l.opts.receiveBuffer), Link: link,
		DropBehind: l.opts.tcDrop, Changed: watched.changed,
	})
	if err == nil {
		l.rings = append(l.rings, rings)
	}
	return receiversOf(rings), err
}

func receiversOf[R receiver](list []R) []receiver {
	all := make([]receiver, len(list))
	for i, r := range list {
		all[i] = r
	}
	return all
}

// interfaceWatch says it when an interface goes and comes back, and keeps the program from being ready meanwhile.
type interfaceWatch struct {
	name  string
	log   *slog.Logger
	ready *readiness
	away  bool
}

// changed is told what keeps the interface from being read, and nil when nothing does any more.
func (w *interfaceWatch) changed(err error) {
	if away := err != nil; away != w.away {
		w.away = away
		w.ready.hold(away)
	}
	if err != nil {
		w.log.Warn("not receiving until the interface is back", "interface", w.name, "error", err)
		return
	}
	w.log.Info("receiving again", "interface", w.name)
}

// removeStaleDrops takes away what a killed process with --tc-drop has left, with which nothing would be received. That the
// interfaces cannot be asked matters only to who is about to add something of the kind.
func removeStaleDrops(opts *listenOptions, log *slog.Logger) error {
	cleaned, err := rx.RemoveStaleDrops()
	for _, name := range cleaned {
		log.Warn("removed the tc filter of a process that was killed", "interface", name)
	}
	if err == nil || !opts.tcDrop && !errors.Is(err, rx.ErrStaleDrop) {
		return nil
	}
	return fmt.Errorf("look for tc filters of killed processes: %w", err)
}
