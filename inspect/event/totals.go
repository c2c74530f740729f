package event

import (
	"iter"

	"github.com/mirrorsink/mirrorsink/decap"
)

// Totals is what a Stats event shows of the whole program: its workers' counters added up, and what the workers do not
// know.
type Totals struct {
	Counters
	Uptime      int64  // seconds since the program's start
	KernelDrops uint64 // datagrams that the kernel had no room for; they are not among Counters.Datagrams
	Export      Counts // of all outputs added up
	Mended      Mended
	Targets     []Target // that frames are forwarded to
}

// Counts says what became of events, by kind. At all times what is missing from Written and Dropped is still on its way;
// once an exporter is closed nothing is.
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

// ByReason ranges over the datagrams by the name of what became of them, in a fixed order, zeros included.
func (c *Counters) ByReason() iter.Seq2[string, uint64] {
	return func(yield func(string, uint64) bool) {
		for r, n := range c.Reasons {
			if !yield(decap.Reason(r).String(), n) {
				return
			}
		}
	}
}
