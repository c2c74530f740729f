package tx

import "sync"

// A tally is what became of the frames of all ways to a target. It is safe for concurrent use.
type tally struct {
	mu  sync.Mutex // guards sum, so that every reading of it agrees with itself
	sum Counts
}

// add adds what a way has counted since the last time, and sets that to nothing.
func (t *tally) add(c *Counts) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sum.Add(c)
	*c = Counts{}
}

func (t *tally) counts() Counts {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.sum
}
