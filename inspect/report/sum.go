package report

import "math"

// sum adds up the records of a group.
type sum struct {
	flows, packets, bytes int64 // a flow is one record: one direction in one window
	other                 int64 // records of a second kind, which the query defines
	first, last           int64 // Unix seconds
}

// emptySum is the sum of no records.
var emptySum = sum{first: math.MaxInt64, last: math.MinInt64}

func (s *sum) add(o *sum) {
	s.flows += o.flows
	s.packets += o.packets
	s.bytes += o.bytes
	s.other += o.other
	s.first, s.last = min(s.first, o.first), max(s.last, o.last)
}

// subtract undoes add, except for the times.
func (s *sum) subtract(o *sum) {
	s.flows -= o.flows
	s.packets -= o.packets
	s.bytes -= o.bytes
	s.other -= o.other
}

// measure is a column computed from a sum.
type measure struct {
	Column
	of func(*sum) int64
}

var (
	flows     = measure{Column{Name: "flows", Unit: Count}, func(s *sum) int64 { return s.flows }}
	packets   = measure{Column{Name: "packets", Unit: Count}, func(s *sum) int64 { return s.packets }}
	bytesSum  = measure{Column{Name: "bytes", Unit: Bytes}, func(s *sum) int64 { return s.bytes }}
	firstSeen = measure{Column{Name: "first_seen", Unit: Time}, func(s *sum) int64 { return s.first }}
	lastSeen  = measure{Column{Name: "last_seen", Unit: Time}, func(s *sum) int64 { return s.last }}
)

// wide returns the measure for wide output only.
func wide(m measure) measure {
	m.Wide = true
	return m
}

func otherMeasure(name string) measure {
	return measure{Column{Name: name, Unit: Count}, func(s *sum) int64 { return s.other }}
}
