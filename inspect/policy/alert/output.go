package alert

import (
	"maps"
	"sync"

	"github.com/mirrorsink/mirrorsink/inspect/policy"
)

// Output takes alerts to those who act on them. Its methods are safe for concurrent use.
type Output interface {
	// Alert takes an alert that was opened, updated or resolved. It does not wait for the receiver. What there is no room for is
	// dropped and counted, or waits for the disk if a capture is read, which can wait.
	Alert(a *Alert)
}

// Meter adds up what is added up over all sinks. It outlives an engine, which a new policy replaces. Its methods are safe for concurrent
// use, and do nothing with a nil meter.
type Meter struct {
	mu     sync.Mutex // guards the following
	totals Totals
}

// Totals are sums since the start.
type Totals struct {
	NotAllowed map[string]uint64 // payload bytes to destinations that are not allowed, by workload
	Opened     map[string]uint64 // alerts that were opened, by rule
}

// activity adds the bytes of an activity.
func (m *Meter) activity(a *Activity) {
	if m == nil || a.Verdict.Kind != policy.NotAllowed || a.Sent == 0 {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.totals.NotAllowed == nil {
		m.totals.NotAllowed = map[string]uint64{}
	}
	m.totals.NotAllowed[a.Verdict.Workload] += a.Sent
}

// opened adds an alert.
func (m *Meter) opened(rule string) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.totals.Opened == nil {
		m.totals.Opened = map[string]uint64{}
	}
	m.totals.Opened[rule]++
}

// Totals returns a copy of the sums.
func (m *Meter) Totals() Totals {
	if m == nil {
		return Totals{}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return Totals{maps.Clone(m.totals.NotAllowed), maps.Clone(m.totals.Opened)}
}
