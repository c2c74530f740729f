package tx

import "sync"

// Counters add up what became of the frames of all Outs of a Target. They are safe for concurrent use.
type Counters struct {
	mu    sync.Mutex // guards the following, so that each reading of sum is consistent
	sum   Counts
	final bool
}

// Add adds what an Out has counted since the last call, and clears c.
func (t *Counters) Add(c *Counts) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.final {
		t.sum.Add(c)
	}
	*c = Counts{}
}

// Commit adds what became of n frames that were counted as queued, and clears c.
func (t *Counters) Commit(c *Counts, n uint64) {
	c.Queued -= n // wraps around, and back in the sum
	t.Add(c)
}

// DropAll counts all queued frames as dropped and ignores all further changes. It returns how many frames those are.
func (t *Counters) DropAll() (left uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	left = t.sum.Queued
	t.sum.Dropped[QueueFull] += left
	t.sum.Queued, t.final = 0, true
	return left
}

// Counts returns the sum.
func (t *Counters) Counts() Counts {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.sum
}
