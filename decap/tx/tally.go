package tx

import "sync"

// A tally is what became of the frames of all ways to a target. It is safe for concurrent use.
type tally struct {
	mu    sync.Mutex // guards the following, so that every reading of sum agrees with itself
	sum   Counts
	final bool
}

// add adds what a way has counted since the last time, and sets that to nothing.
func (t *tally) add(c *Counts) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.final {
		t.sum.Add(c)
	}
	*c = Counts{}
}

// settled adds what became of n frames that were queued.
func (t *tally) settled(c *Counts, n uint64) {
	c.Queued -= n // wraps around, and back in the sum
	t.add(c)
}

// abandon counts all that is queued as dropped, and lets nothing change any more.
func (t *tally) abandon() (left uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	left = t.sum.Queued
	t.sum.Dropped[Busy] += left
	t.sum.Queued, t.final = 0, true
	return left
}

func (t *tally) counts() Counts {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.sum
}
