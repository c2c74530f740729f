package tx

import (
	"fmt"
	"hash/fnv"
	"net"
	"net/netip"
	"strconv"
	"sync/atomic"
)

// A sensor is one host that frames are sent to. Its methods are safe for concurrent use, but those that say so.
type sensor struct {
	name   string // as it was given
	addr   netip.AddrPort
	seed   uint64       // of its weights
	health atomic.Int32 // a health
	room   atomic.Int64 // the longest frame in bytes that the way takes in one datagram
	fails  int          // looks in a row that failed
}

// health is whether frames go to a sensor.
type health = int32

const (
	alive   health = iota
	silent         // it does not answer at its health port
	barred         // the system refused to send to it
	retried        // was barred, and may be sent to again: nobody is told before that worked
)

// news is what is said of a sensor.
type news uint8

const (
	sameAsBefore news = iota
	wentAway
	cameBack
)

// deadAfter is how many looks in a row have to fail: one lost packet is no death.
const deadAfter = 2

func newSensor(name string, addr netip.AddrPort) *sensor {
	s := &sensor{name: name, addr: addr, seed: seedOf(addr)}
	s.measured(0, 0)
	return s
}

// seedOf depends on the address alone, so that other instances, and this one with other sensors added, choose alike.
func seedOf(addr netip.AddrPort) uint64 {
	h := fnv.New64a()
	_, _ = fmt.Fprint(h, addr)
	return h.Sum64()
}

// weight is the sensor's for flows of a hash: a flow goes to the living sensor of highest weight (rendezvous hashing). The mixing is
// MurmurHash3's last step.
func (s *sensor) weight(hash uint32) uint64 {
	x := s.seed ^ uint64(hash)*0x9e3779b97f4a7c15
	x = (x ^ x>>33) * 0xff51afd7ed558ccd
	x = (x ^ x>>33) * 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}

func takesFrames(h health) bool { return h == alive || h == retried }

// examined takes the result of a look at the sensor's health port. It is for one goroutine.
func (s *sensor) examined(err error) news {
	if err == nil {
		s.fails = 0
		if s.health.CompareAndSwap(silent, alive) {
			return cameBack
		}
		return sameAsBefore
	}
	s.fails++
	if s.fails < deadAfter {
		return sameAsBefore
	}
	if s.health.CompareAndSwap(alive, silent) {
		return wentAway
	}
	if !s.health.CompareAndSwap(barred, silent) {
		s.health.CompareAndSwap(retried, silent)
	}
	return sameAsBefore
}

// refused notes that the system did not send, for a reason that concerns the host.
func (s *sensor) refused() news {
	if s.health.CompareAndSwap(alive, barred) {
		return wentAway
	}
	s.health.CompareAndSwap(retried, barred)
	return sameAsBefore
}

// retry lets frames to the sensor again after the system refused them.
func (s *sensor) retry() { s.health.CompareAndSwap(barred, retried) }

// reached notes that the system sent.
func (s *sensor) reached() news {
	if s.health.CompareAndSwap(retried, alive) {
		return cameBack
	}
	return sameAsBefore
}

// What stands before a frame: IP without options, UDP, VXLAN.
const (
	vxlanHeaderLen = 8
	vxlanOverhead4 = 20 + 8 + vxlanHeaderLen
	vxlanOverhead6 = 40 + 8 + vxlanHeaderLen
	maxIPPacket    = 65535
)

// measured takes the longest IP packets that the way to the sensor and the operator allow; 0 is for one that is not known.
func (s *sensor) measured(mtus ...int) {
	least := maxIPPacket
	for _, mtu := range mtus {
		if mtu > 0 {
			least = min(least, mtu)
		}
	}
	overhead := vxlanOverhead6
	if s.addr.Addr().Is4() {
		overhead = vxlanOverhead4
	}
	s.room.Store(int64(least - overhead))
}

// probe connects to the sensor's health port.
func (s *sensor) probe(port uint16) error {
	dialer := net.Dialer{Timeout: checkEvery}
	c, err := dialer.Dial("tcp", net.JoinHostPort(s.addr.Addr().String(), strconv.Itoa(int(port))))
	if err != nil {
		return err
	}
	return c.Close()
}
