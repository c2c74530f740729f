package forward

import (
	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/dedup"
	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/flow"
	"github.com/mirrorsink/mirrorsink/inspect/mirror"
	"github.com/mirrorsink/mirrorsink/inspect/where"
)

// Tables are the worker's tables that a Selector reads.
type Tables struct {
	Flows    *flow.Table
	Names    *flow.Names
	Sessions *mirror.Table
	Copies   *dedup.Window
	Streams  Streams
	Counts   *event.Forwarding
}

// Selector decides which frames of a worker are forwarded, and forwards them. Only its worker calls it.
type Selector struct {
	Tables
	cfg       Config
	states    []flowState  // by the number of the flow's record
	vlans     []uint16     // by the number of the mirror session
	firstCopy *flow.Record // the flow of the packet's first copy, if the packet is a duplicate; nil if that flow has ended

	filter    *where.Filter
	rules     ruleSet
	evaluates bool // there are expressions
	row       flowRow
	fragments [64]fragmentMatch
	buffer    *reorderBuffer // nil without reordering
}

// New returns the Selector of a worker; nil if cfg is nil. bytes bounds the memory of segments that wait.
func New(cfg *Config, t Tables, bytes int) *Selector {
	if cfg == nil {
		return nil
	}
	s := &Selector{
		Tables: t, cfg: *cfg, states: flow.Beside[flowState](t.Flows), vlans: make([]uint16, 1, 64),
		filter: clone(cfg.Where), rules: newRuleSet(cfg.Bypass),
	}
	s.evaluates = s.filter != nil || s.rules.conditional
	if cfg.Reorder.Time > 0 {
		s.buffer = newReorderBuffer(cfg.Reorder, bytes)
	}
	return s
}

// Active reports whether frames are forwarded.
func (s *Selector) Active() bool { return s != nil }

// Touch reads the states of flows, so that the memory accesses of a batch overlap. The sum has no meaning.
func (s *Selector) Touch(refs []uint32) (sum uint64) {
	if s == nil {
		return 0
	}
	for _, ref := range refs {
		sum += uint64(s.states[ref].hash)
	}
	return sum
}

// Decide forwards a packet, or excludes it. duplicate reports that its other copy came before.
func (s *Selector) Decide(r *flow.Record, p Packet, duplicate bool) {
	if s == nil {
		return
	}
	f := s.state(r)
	s.evalFilters(r, f)
	reason, excluded := s.exclude(r, f, &p, duplicate)
	s.updateSizes(r, f)
	if excluded {
		s.Exclude(reason, len(p.Frame))
		s.skip(f, &p)
		return
	}
	s.enqueue(r, f, &p, decap.Frame{
		Packet: p.Packet, Nanos: p.Datagram.Nanos, WireLen: p.wireLen(), Hash: f.hash, VLAN: s.vlan(f.tagOwner),
	})
}

// exclude returns why a packet is not forwarded; false if it is.
func (s *Selector) exclude(r *flow.Record, f *flowState, p *Packet, duplicate bool) (event.Exclusion, bool) {
	switch {
	case duplicate && !s.cfg.KeepBoth && s.firstCopyMatched():
		return event.Duplicate, true
	case !f.matchesFilter():
		return event.Filtered, true
	case len(s.rules.list) == 0:
		return 0, false
	default:
		return s.bypass(r, f, p)
	}
}

// firstCopyMatched reports whether the flow of a duplicate's first copy is forwarded.
func (s *Selector) firstCopyMatched() bool {
	return s.firstCopy == nil || s.state(s.firstCopy).matchesFilter()
}

// DecideFragment forwards a fragment, or excludes it. Only its addresses are looked at.
func (s *Selector) DecideFragment(key decap.Key, p Packet) {
	if s == nil {
		return
	}
	switch {
	case s.duplicateFragment(key, &p) && !s.cfg.KeepBoth:
		s.Exclude(event.Duplicate, len(p.Frame))
		return
	case !s.fragmentMatches(key, &p):
		s.Exclude(event.Filtered, len(p.Frame))
		return
	}
	hash := decap.SteerFlow(p.Src, p.Dst, 0, 0)
	s.send(decap.Frame{Packet: p.Packet, Nanos: p.Datagram.Nanos, WireLen: p.wireLen(), Hash: hash, VLAN: s.vlan(key.Session)})
}

// duplicateFragment reports whether the other copy of a fragment came before and was forwarded.
func (s *Selector) duplicateFragment(key decap.Key, p *Packet) bool {
	other, found := s.Copies.Add(p.Packet, dedup.Copy{
		Session: uint32(key.Session), Direction: s.Sessions.Direction(key.Session, p.Packet), Provisional: true, Nanos: p.Datagram.Nanos,
	})
	key.Session = uint16(other.Session)
	return found && s.fragmentMatches(key, p)
}

// Exclude counts a frame that is not forwarded.
func (s *Selector) Exclude(reason event.Exclusion, bytes int) {
	if s != nil {
		s.Counts.Excluded[reason].Count(bytes)
	}
}

// send forwards a frame.
func (s *Selector) send(f decap.Frame) {
	s.Counts.Passed.Count(len(f.Packet.Frame))
	s.cfg.To.Forward(f)
}

// Flush sends the segments that have waited long enough at a time, and then flushes the Forwarder.
func (s *Selector) Flush(nanos int64) {
	if s == nil {
		return
	}
	if s.buffer != nil {
		s.expire(nanos)
	}
	s.cfg.To.Flush()
	if s.buffer != nil {
		s.buffer.reclaim()
	}
}
