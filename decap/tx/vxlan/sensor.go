package vxlan

import (
	"fmt"
	"hash/fnv"
	"net"
	"net/netip"
	"strconv"
	"sync/atomic"

	"github.com/mirrorsink/mirrorsink/decap"
)

// A sensor is one host that frames are sent to. Its methods are safe for concurrent use, except those that say otherwise.
type sensor struct {
	name   string // as the operator wrote it
	addr   netip.AddrPort
	seed   uint64       // of its weights
	state  atomic.Int32 // a state
	room   atomic.Int64 // the longest frame in bytes that the path takes in one datagram
	failed int          // consecutive probes that failed
}

// state is whether frames go to a sensor.
type state = int32

const (
	reachable   state = iota
	unreachable       // it does not answer at its health port
	sendFailed        // the system refused to send to it
	probing           // sending failed before, and is tried again; nothing is logged before it works
)

// A transition is what a change means for the operator.
type transition uint8

const (
	unchanged transition = iota
	wentDown
	cameUp
)

// failuresToDown is how many consecutive probes must fail, so that one lost packet does not count.
const failuresToDown = 2

func newSensor(name string, addr netip.AddrPort) *sensor {
	s := &sensor{name: name, addr: addr, seed: seedOf(addr)}
	s.setMTU(0)
	return s
}

// seedOf depends on the address alone, so that other instances choose alike, as does this one with further sensors.
func seedOf(addr netip.AddrPort) uint64 {
	h := fnv.New64a()
	_, _ = fmt.Fprint(h, addr)
	return h.Sum64()
}

// weight returns the sensor's weight for flows of a hash. A flow goes to the reachable sensor of the highest weight (rendezvous
// hashing). The mixing is the last step of MurmurHash3.
func (s *sensor) weight(hash uint32) uint64 {
	x := s.seed ^ uint64(hash)*0x9e3779b97f4a7c15
	x = (x ^ x>>33) * 0xff51afd7ed558ccd
	x = (x ^ x>>33) * 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}

func takesFrames(s state) bool { return s == reachable || s == probing }

// onProbe takes the result of a probe of the health port. It is for one goroutine.
func (s *sensor) onProbe(err error) transition {
	if err == nil {
		s.failed = 0
		if s.state.CompareAndSwap(unreachable, reachable) {
			return cameUp
		}
		return unchanged
	}
	s.failed++
	if s.failed < failuresToDown {
		return unchanged
	}
	if s.state.CompareAndSwap(reachable, unreachable) {
		return wentDown
	}
	if !s.state.CompareAndSwap(sendFailed, unreachable) {
		s.state.CompareAndSwap(probing, unreachable)
	}
	return unchanged
}

// onSendFailed records that the system did not send, for a reason that concerns the host.
func (s *sensor) onSendFailed() transition {
	if s.state.CompareAndSwap(reachable, sendFailed) {
		return wentDown
	}
	s.state.CompareAndSwap(probing, sendFailed)
	return unchanged
}

// retry lets frames to the sensor be sent again after the system refused them.
func (s *sensor) retry() { s.state.CompareAndSwap(sendFailed, probing) }

// onSent records that the system sent.
func (s *sensor) onSent() transition {
	if s.state.CompareAndSwap(probing, reachable) {
		return cameUp
	}
	return unchanged
}

// The lengths of what precedes a frame: IP without options, UDP, VXLAN.
const (
	overhead4   = decap.IPv4Len + decap.UDPLen + decap.VXLANLen
	overhead6   = decap.IPv6Len + decap.UDPLen + decap.VXLANLen
	maxIPPacket = 65535
)

// setMTU sets the longest IP packet that the path to the sensor takes; 0 if that is not known.
func (s *sensor) setMTU(mtu int) {
	if mtu <= 0 || mtu > maxIPPacket {
		mtu = maxIPPacket
	}
	overhead := overhead6
	if s.addr.Addr().Is4() {
		overhead = overhead4
	}
	s.room.Store(int64(mtu - overhead))
}

// probe connects to the sensor's health port.
func (s *sensor) probe(port uint16) error {
	dialer := net.Dialer{Timeout: checkInterval}
	c, err := dialer.Dial("tcp", net.JoinHostPort(s.addr.Addr().String(), strconv.Itoa(int(port))))
	if err != nil {
		return err
	}
	return c.Close()
}
