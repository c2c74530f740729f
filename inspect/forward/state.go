package forward

import (
	"math"
	"unsafe"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/flow"
)

// flowState is the forwarding state of a flow. The states lie beside the flow records and have no pointers either.
type flowState struct {
	hash     uint32 // of the innermost addresses and ports
	tagOwner uint16 // the mirror session whose tag the flow's frames have
	exceeded uint16 // a bit for each rule whose size the flow has reached
	matches  uint16 // a bit for each expression that the flow matches: the filter, then the rules
	parsed
	order
	seen snapshot // of the flow at the last evaluation
}

// stateSize is the memory of a flow's state.
const stateSize = int(unsafe.Sizeof(flowState{}))

// state returns the state of a flow.
func (s *Selector) state(r *flow.Record) *flowState { return &s.states[s.Flows.Ref(r)] }

// Begin initializes the state of a flow from its first packet.
func (s *Selector) Begin(r *flow.Record, side flow.Side, p *decap.Packet) {
	if s == nil {
		return
	}
	f := s.state(r)
	*f = flowState{hash: decap.SteerFlow(p.Src, p.Dst, p.SrcPort, p.DstPort), tagOwner: r.Key.Session, matches: math.MaxUint16}
	if o := s.peerFlow(r, side, p); o != nil {
		f.tagOwner = s.state(o).tagOwner
	}
}

// Link notes that a packet of a flow is a duplicate of one of another flow; other is nil if that flow has ended. Both flows
// are one connection, mirrored at both ends. They get one tag, that of the flow that began first, so that a sensor sees the
// whole connection in one network.
func (s *Selector) Link(r, other *flow.Record) {
	if s == nil {
		return
	}
	s.firstCopy = other
	if other == nil {
		return
	}
	a, b := s.state(r), s.state(other)
	if a.tagOwner == b.tagOwner {
		return
	}
	if r.Start < other.Start {
		a, b = b, a
	}
	a.tagOwner = b.tagOwner
}

// EndFlow sends the segments of a flow that wait.
func (s *Selector) EndFlow(r *flow.Record) {
	if s != nil && s.buffer != nil {
		s.flushFlow(r)
	}
}

// Tag returns the tag of a flow's frames.
func (s *Selector) Tag(r *flow.Record) uint16 {
	if s == nil {
		return 0
	}
	return s.vlan(s.state(r).tagOwner)
}

// vlan returns the tag of a mirror session.
func (s *Selector) vlan(session uint16) uint16 {
	for n := len(s.vlans); n < s.Sessions.Len(); n++ {
		tag := uint16(0)
		if of := s.Sessions.Session(uint16(n)); s.cfg.Tags != nil {
			tag = s.cfg.Tags.Tag(of.Outer.Netip(), of.VNI)
		}
		s.vlans = append(s.vlans, tag)
	}
	return s.vlans[session]
}
