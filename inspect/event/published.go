package event

import "sync"

// Published holds a worker's counters for other goroutines. They change all at once, so that every reading keeps the loss
// identity. The zero value is ready to use. It is safe for concurrent use.
type Published struct {
	mu       sync.Mutex // guards counters
	counters Counters
}

// Set publishes counters.
func (p *Published) Set(c *Counters) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.counters = *c
}

// Get returns the counters that were published last.
func (p *Published) Get() Counters {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.counters
}
