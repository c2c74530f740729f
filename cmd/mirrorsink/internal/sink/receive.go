package sink

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/flags"
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

// receive opens a group of sources, one for each worker.
func (l *Listener) receive(addr flags.Address, link decap.Link) error {
	if !addr.IsValid() {
		return nil
	}
	open := l.openSockets
	if l.opts.Source.Ring != "" {
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
	l.log.Info("receiving", "address", receivers[0].Addr().String(), "workers", len(receivers), "source", l.opts.Source.String())
	return nil
}

func (l *Listener) openSockets(addr netip.AddrPort, link decap.Link) ([]receiver, error) {
	sockets, err := rx.ListenUDP(rx.UDPConfig{
		Addr: addr, Sockets: l.opts.Workers, ReceiveBuffer: int(l.opts.ReceiveBuffer), Link: link,
	})
	return receiversOf(sockets), err
}

func (l *Listener) openRings(addr netip.AddrPort, link decap.Link) ([]receiver, error) {
	watched := &interfaceWatch{name: l.opts.Source.Ring, log: l.log, ready: &l.ready}
	rings, err := rx.ListenRing(rx.RingConfig{
		Interface: l.opts.Source.Ring, Addr: addr, Rings: l.opts.Workers, Size: int(l.opts.ReceiveBuffer), Link: link,
		DropBehind: l.opts.TCDrop, Changed: watched.changed,
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

// interfaceWatch logs when an interface disappears and returns, and clears readiness meanwhile.
type interfaceWatch struct {
	name  string
	log   *slog.Logger
	ready *readiness
	away  bool
}

// changed is called with the error that keeps the interface from being read, and with nil once it can be read again.
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

// removeStaleDrops removes the tc filters of killed processes with --tc-drop, with which nothing would be received. An error from listing
// interfaces matters only with --tc-drop, which adds such a filter.
func removeStaleDrops(opts *ListenConfig, log *slog.Logger) error {
	cleaned, err := rx.RemoveStaleDrops()
	for _, name := range cleaned {
		log.Warn("removed the tc filter of a process that was killed", "interface", name)
	}
	if err == nil || !opts.TCDrop && !errors.Is(err, rx.ErrStaleDrop) {
		return nil
	}
	return fmt.Errorf("look for tc filters of killed processes: %w", err)
}
