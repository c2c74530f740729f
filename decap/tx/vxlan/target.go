// Package vxlan is the target that sends frames to sensors behind a VXLAN header in UDP (RFC 7348 section 5). Each flow goes to one
// sensor, in both directions, as long as that sensor is reachable.
package vxlan

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/decap/tx"
)

// Config is where frames go.
type Config struct {
	Hosts   []string     // HOST:PORT each, looked up once
	VNI     uint32       // for all frames if SetVNI; else each frame keeps its own, and plain frames have 0
	SetVNI  bool         // also for a VNI of 0
	Health  uint16       // the TCP port on which a reachable host accepts connections; 0: hosts count as reachable
	Segment bool         // cut TCP packets that are too long, as their sender's stack would have, instead of dropping them
	Wait    bool         // wait for room in a full socket instead of dropping, for captures
	Log     *slog.Logger // slog's default if nil
}

// target is a tx.Target. A flow goes to one host while that is reachable. Flows of an unreachable host go to the others, and return
// when it is reachable again. Nothing is fragmented, as section 4.3 requires: what the path does not take is counted as Oversize.
type target struct {
	cfg      Config
	counters tx.Counters
	sensors  []*sensor
	ipv4     bool // all hosts are IPv4 addresses
	warned   sync.Once
	quit     chan struct{}
	done     sync.WaitGroup
}

// Open looks up the hosts and starts to watch them. An error is one line that says what to do.
func Open(cfg Config) (tx.Target, error) {
	t, err := newTarget(cfg)
	if err != nil {
		return nil, fmt.Errorf("vxlan target: %w", err)
	}
	t.done.Go(t.watch)
	return t, nil
}

func newTarget(cfg Config) (*target, error) {
	t := &target{cfg: cfg, ipv4: true, quit: make(chan struct{})}
	if t.cfg.Log == nil {
		t.cfg.Log = slog.Default()
	}
	if err := t.check(); err != nil {
		return nil, err
	}
	for _, host := range cfg.Hosts {
		if err := t.resolve(host); err != nil {
			return nil, err
		}
	}
	t.updateMTUs()
	return t, nil
}

func (t *target) check() error {
	switch {
	case len(t.cfg.Hosts) == 0:
		return errors.New("no host given: give HOST:PORT, as 10.0.0.7:4789")
	case t.cfg.VNI > decap.MaxVNI:
		return fmt.Errorf("a VNI of %d is too large: give 0 to %d", t.cfg.VNI, decap.MaxVNI)
	}
	return nil
}

func (t *target) resolve(host string) error {
	found, err := net.ResolveUDPAddr("udp", host)
	if err != nil {
		return fmt.Errorf("host %s: %w: give HOST:PORT, as 10.0.0.7:4789", host, err)
	}
	addr := found.AddrPort()
	addr = netip.AddrPortFrom(addr.Addr().Unmap(), addr.Port())
	if !addr.Addr().IsValid() || addr.Addr().IsUnspecified() || addr.Port() == 0 {
		return fmt.Errorf("host %s: an address and a port are needed: give HOST:PORT, as 10.0.0.7:4789", host)
	}
	if slices.ContainsFunc(t.sensors, func(s *sensor) bool { return s.addr == addr }) {
		return fmt.Errorf("host %s: %v is given twice: name each sensor once", host, addr)
	}
	t.ipv4 = t.ipv4 && addr.Addr().Is4()
	t.sensors = append(t.sensors, newSensor(host, addr))
	return nil
}

// checkInterval is how often hosts are checked, and the timeout of one check.
const checkInterval = time.Second

// watch checks all hosts once a second, and logs which became unreachable and which are reachable again.
func (t *target) watch() {
	ticks := time.NewTicker(checkInterval)
	defer ticks.Stop()
	for {
		select {
		case <-t.quit:
			return
		case <-ticks.C:
			t.updateMTUs()
			t.probe()
		}
	}
}

// updateMTUs asks the system how long packets to the hosts may be. Hosts to which sending failed are probed again if there is a route.
func (t *target) updateMTUs() {
	for _, s := range t.sensors {
		mtu, err := pathMTU(s.addr)
		s.setMTU(mtu)
		if err == nil {
			s.retry()
		}
	}
}

// probe connects to the health port of all hosts at once, so that a host that does not answer does not delay the others.
func (t *target) probe() {
	if t.cfg.Health == 0 {
		return
	}
	var all sync.WaitGroup
	for _, s := range t.sensors {
		all.Go(func() { t.onProbe(s, s.probe(t.cfg.Health)) })
	}
	all.Wait()
}

// onProbe takes the result of a probe of a host.
func (t *target) onProbe(s *sensor, err error) {
	switch s.onProbe(err) {
	case wentDown:
		t.counters.Add(&tx.Counts{Outages: 1})
		t.cfg.Log.Warn("a sensor does not answer: its flows go to the others, if there are any", "sensor", s.name, "health", t.cfg.Health, "error", err)
	case cameUp:
		t.cfg.Log.Info("a sensor answers again: its flows go back to it", "sensor", s.name)
	case unchanged:
	}
}

// sendFailed records that the system refused to send to a host. It is safe for concurrent use.
func (t *target) sendFailed(s *sensor, err error) {
	if s.onSendFailed() == wentDown {
		t.counters.Add(&tx.Counts{Outages: 1})
		t.cfg.Log.Warn("cannot send to a sensor: its flows go to the others, if there are any", "sensor", s.name, "error", err)
	}
}

// sent records that the system sent frames to a host. It is safe for concurrent use.
func (t *target) sent(s *sensor) {
	if s.onSent() == cameUp {
		t.cfg.Log.Info("sending to a sensor again: its flows go back to it", "sensor", s.name)
	}
}

func (t *target) Counts() tx.Counts { return t.counters.Counts() }

func (t *target) Close() error {
	close(t.quit)
	t.done.Wait()
	return nil
}
