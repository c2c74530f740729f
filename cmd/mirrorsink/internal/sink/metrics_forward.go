package sink

import (
	"github.com/mirrorsink/mirrorsink/decap/tx"
	"github.com/mirrorsink/mirrorsink/inspect/event"
)

// byExclusion returns the values of a metric of frames that were not forwarded.
func byExclusion(value func(*event.Tally) uint64) func(*snapshot, func(uint64, ...string)) {
	return func(s *snapshot, give func(uint64, ...string)) {
		for why := range event.Exclusions {
			give(value(&s.Forward.Excluded[why]), why.String())
		}
	}
}

// byTarget returns the values of a metric of each target.
func byTarget(value func(*event.Target) uint64) func(*snapshot, func(uint64, ...string)) {
	return func(s *snapshot, give func(uint64, ...string)) {
		for i := range s.Targets {
			give(value(&s.Targets[i]), s.Targets[i].Name)
		}
	}
}

func byLoss(s *snapshot, give func(uint64, ...string)) {
	for i := range s.Targets {
		t := &s.Targets[i]
		give(t.QueueFull, t.Name, tx.QueueFull.String())
		give(t.Unreachable, t.Name, tx.Down.String())
		give(t.Oversize, t.Name, tx.Oversize.String())
	}
}
