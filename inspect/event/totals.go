package event

import (
	"iter"

	"github.com/mirrorsink/mirrorsink/decap"
)

// Totals are the counters of the whole program, for a Stats event: the sums of its workers' counters, and counters that the
// workers do not have.
type Totals struct {
	Counters
	Uptime      int64  // seconds since the program's start
	KernelDrops uint64 // datagrams that the kernel dropped for want of room; not in Counters.Datagrams
	Export      Counts // the sum of all outputs
	Fixed       Fixed
	Targets     []Target // to which frames are forwarded
}

// Counts counts events by kind. At all times the difference between Produced and the sum of Written and Dropped is the events in
// queues. It is zero once an exporter is closed.
type Counts struct {
	Produced, Written, Dropped [Kinds]uint64
}

// Add adds o to c.
func (c *Counts) Add(o *Counts) {
	for k := range Kinds {
		c.Produced[k] += o.Produced[k]
		c.Written[k] += o.Written[k]
		c.Dropped[k] += o.Dropped[k]
	}
}

// ByTunnelSkip ranges over the packets of tunnels that were not entered by the name of the reason, in a fixed order, zeros included.
func (c *Counters) ByTunnelSkip() iter.Seq2[string, uint64] {
	return func(yield func(string, uint64) bool) {
		for why := decap.TunnelEntered + 1; why < decap.TunnelSkips; why++ {
			if !yield(why.String(), c.TunnelSkips[why]) {
				return
			}
		}
	}
}

// ByReason ranges over the datagrams by the name of their reason, in a fixed order, zeros included.
func (c *Counters) ByReason() iter.Seq2[string, uint64] {
	return func(yield func(string, uint64) bool) {
		for r, n := range c.Reasons {
			if !yield(decap.Reason(r).String(), n) {
				return
			}
		}
	}
}
