package forward

import (
	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/flow"
	"github.com/mirrorsink/mirrorsink/inspect/l7"
	"github.com/mirrorsink/mirrorsink/inspect/where"
)

// snapshot is everything of a flow that expressions can read and that may change.
type snapshot struct {
	name       uint32
	generation uint32 // of the inventory
	proto      l7.Proto
	source     l7.NameSource
	initiator  event.Initiator
	facts      flow.NameFlags
	sides      uint8 // the client's, and the mirrored interface's own
	valid      bool
}

func (s *Selector) snapshot(r *flow.Record) snapshot {
	own, known := r.Own()
	sides := r.Client() | own<<1
	if known {
		sides |= 4
	}
	return snapshot{r.Name, uint32(s.Sessions.Generation()), r.Proto, r.NameSource, r.Initiator, r.NameFlags, sides, true}
}

// evalFilters evaluates the expressions on a flow if anything that they can read has changed.
func (s *Selector) evalFilters(r *flow.Record, f *flowState) {
	if !s.evaluates {
		return
	}
	now := s.snapshot(r)
	if now == f.seen {
		return
	}
	f.seen = now
	row := s.row.of(&s.Tables, r)
	f.matches = evalFilter(s.filter, row)
	for i := range s.rules.list {
		f.matches |= evalFilter(s.rules.list[i].If, row) << (1 + i)
	}
}

func evalFilter(f *where.Filter, row *flowRow) uint16 {
	if f == nil || f.Match(row) {
		return 1
	}
	return 0
}

// matchesFilter reports whether the flow is one to forward.
func (f *flowState) matchesFilter() bool { return f.matches&1 != 0 }

// matchesRule reports whether the expression of a rule matches the flow.
func (f *flowState) matchesRule(number int) bool { return f.matches>>(1+number)&1 != 0 }

// clone returns a filter for one more goroutine.
func clone(f *where.Filter) *where.Filter {
	if f == nil {
		return nil
	}
	return f.Clone()
}

// fragmentMatch is whether fragments between two hosts are forwarded. A few results are cached, since expressions are slow.
type fragmentMatch struct {
	key        decap.Key
	generation uint64
	valid      bool
	matches    bool
}

// fragmentMatches reports whether a fragment matches the filter by its addresses.
func (s *Selector) fragmentMatches(key decap.Key, p *Packet) bool {
	if s.filter == nil {
		return true
	}
	key.LoPort, key.HiPort = 0, 0
	m := &s.fragments[flow.Hash(&key)%uint64(len(s.fragments))]
	if generation := s.Sessions.Generation(); !m.valid || m.key != key || m.generation != generation {
		r := flow.Record{Key: key}
		r.OpenedBy(p.Side, event.ByFirstPacket)
		*m = fragmentMatch{key, generation, true, s.filter.Match(s.row.of(&s.Tables, &r))}
	}
	return m.matches
}
