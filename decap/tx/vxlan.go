package tx

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// VXLANConfig says where frames go in VXLAN.
type VXLANConfig struct {
	Hosts   []string     // HOST:PORT each, looked up once; each flow is sent to one of those that live
	VNI     uint32       // put into all frames if SetVNI; else a frame keeps its own, and plain frames have 0
	SetVNI  bool         // also for a VNI of 0
	Health  uint16       // the TCP port on which a living host takes connections; 0: each host counts as alive
	MTU     int          // the longest IP packet in bytes, if less than the way to the host takes; 0 for no such bound
	Segment bool         // cut TCP packets that are too long, as their sender's stack would have, instead of dropping them
	Wait    bool         // wait for room in a full socket instead of dropping: for captures, which can wait
	Log     *slog.Logger // slog's default if nil
}

// MaxVNI is the largest VXLAN network identifier: it has 24 bits (RFC 7348 section 5).
const MaxVNI = 1<<24 - 1

// minVXLANMTU lets an Ethernet frame with an IPv6 packet of minimal MTU through, which is the least that a network must carry
// (RFC 8200 section 5).
const minVXLANMTU = 1280 + 14 + vxlanOverhead6

// vxlan is the target that OpenVXLAN opens: frames behind a VXLAN header (RFC 7348 section 5) in UDP. A flow is sent to one host, both
// directions of it, as long as that host lives; flows of a dead host go to the others, and come back with it. Nothing is
// fragmented, as section 4.3 demands: what the way does not take is counted as Oversize.
type vxlan struct {
	cfg     VXLANConfig
	tally   tally
	sensors []*sensor
	ipv4    bool // all hosts are IPv4 addresses
	warned  sync.Once
	quit    chan struct{}
	done    sync.WaitGroup
}

// OpenVXLAN looks up the hosts and begins to watch them. An error is one line that says what to do.
func OpenVXLAN(cfg VXLANConfig) (Target, error) {
	v := &vxlan{cfg: cfg, ipv4: true, quit: make(chan struct{})}
	if v.cfg.Log == nil {
		v.cfg.Log = slog.Default()
	}
	if err := v.check(); err != nil {
		return nil, fmt.Errorf("vxlan target: %w", err)
	}
	for _, host := range cfg.Hosts {
		if err := v.resolve(host); err != nil {
			return nil, fmt.Errorf("vxlan target: %w", err)
		}
	}
	v.measure()
	v.done.Go(v.watch)
	return v, nil
}

func (v *vxlan) check() error {
	switch {
	case len(v.cfg.Hosts) == 0:
		return errors.New("no host given: give HOST:PORT, as 10.0.0.7:4789")
	case v.cfg.VNI > MaxVNI:
		return fmt.Errorf("a VNI of %d is too large: give 0 to %d", v.cfg.VNI, MaxVNI)
	case v.cfg.MTU != 0 && v.cfg.MTU < minVXLANMTU:
		return fmt.Errorf("an MTU of %d is too small: give at least %d", v.cfg.MTU, minVXLANMTU)
	}
	return nil
}

func (v *vxlan) resolve(host string) error {
	found, err := net.ResolveUDPAddr("udp", host)
	if err != nil {
		return fmt.Errorf("host %s: %w: give HOST:PORT, as 10.0.0.7:4789", host, err)
	}
	addr := found.AddrPort()
	addr = netip.AddrPortFrom(addr.Addr().Unmap(), addr.Port())
	if !addr.Addr().IsValid() || addr.Addr().IsUnspecified() || addr.Port() == 0 {
		return fmt.Errorf("host %s: an address and a port are needed: give HOST:PORT, as 10.0.0.7:4789", host)
	}
	if slices.ContainsFunc(v.sensors, func(s *sensor) bool { return s.addr == addr }) {
		return fmt.Errorf("host %s: %v is given twice: name each sensor once", host, addr)
	}
	v.ipv4 = v.ipv4 && addr.Addr().Is4()
	v.sensors = append(v.sensors, newSensor(host, addr))
	return nil
}

// checkEvery is how often hosts are looked at, and the longest that one look takes.
const checkEvery = time.Second

// watch looks at all hosts once a second, and says which went away and which are back.
func (v *vxlan) watch() {
	ticks := time.NewTicker(checkEvery)
	defer ticks.Stop()
	for {
		select {
		case <-v.quit:
			return
		case <-ticks.C:
			v.measure()
			v.examine()
		}
	}
}

// measure finds out how long packets to the hosts may be, and tries those again to which nothing could be sent.
func (v *vxlan) measure() {
	for _, s := range v.sensors {
		mtu, err := pathMTU(s.addr)
		s.measured(mtu, v.cfg.MTU)
		if err == nil {
			s.retry()
		}
	}
}

// examine connects to all hosts at once, so that one that is silent does not delay the others.
func (v *vxlan) examine() {
	if v.cfg.Health == 0 {
		return
	}
	var all sync.WaitGroup
	for _, s := range v.sensors {
		all.Go(func() { v.settle(s, s.probe(v.cfg.Health)) })
	}
	all.Wait()
}

// settle takes the result of a look at a host.
func (v *vxlan) settle(s *sensor, err error) {
	switch s.examined(err) {
	case wentAway:
		v.tally.add(&Counts{Outages: 1})
		v.cfg.Log.Warn("a sensor does not answer: its flows go to the others, if there are any", "sensor", s.name, "health", v.cfg.Health, "error", err)
	case cameBack:
		v.cfg.Log.Info("a sensor answers again: its flows go back to it", "sensor", s.name)
	case sameAsBefore:
	}
}

// cut notes that the system refused to send to a host. It is safe for concurrent use.
func (v *vxlan) cut(s *sensor, err error) {
	if s.refused() == wentAway {
		v.tally.add(&Counts{Outages: 1})
		v.cfg.Log.Warn("cannot send to a sensor: its flows go to the others, if there are any", "sensor", s.name, "error", err)
	}
}

// reached notes that frames were sent to a host. It is safe for concurrent use.
func (v *vxlan) reached(s *sensor) {
	if s.reached() == cameBack {
		v.cfg.Log.Info("sending to a sensor again: its flows go back to it", "sensor", s.name)
	}
}

func (v *vxlan) Counts() Counts { return v.tally.counts() }

func (v *vxlan) Close() error {
	close(v.quit)
	v.done.Wait()
	return nil
}
