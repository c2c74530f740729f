package inspect

import (
	"math"
	"slices"
	"sync"
	"sync/atomic"
)

// progress finds up to which time the workers that share live traffic have seen all packets. It is safe for concurrent use.
type progress struct {
	mu      sync.Mutex // held to change who takes part
	members atomic.Pointer[[]*seenUpTo]
}

// seenUpTo is the time up to which one worker has seen all of its packets. Only the worker sets it.
type seenUpTo struct {
	nanos atomic.Int64
	_     [56]byte // has a cache line of its own
}

// join adds a worker. It has seen nothing yet.
func (p *progress) join() *seenUpTo {
	w := new(seenUpTo)
	w.nanos.Store(math.MinInt64)
	p.mu.Lock()
	defer p.mu.Unlock()
	all := append(slices.Clone(p.all()), w)
	p.members.Store(&all)
	return w
}

// leave removes a worker, which will see nothing more.
func (p *progress) leave(w *seenUpTo) {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := slices.DeleteFunc(slices.Clone(p.all()), func(m *seenUpTo) bool { return m == w })
	p.members.Store(&all)
}

func (p *progress) all() []*seenUpTo {
	if all := p.members.Load(); all != nil {
		return *all
	}
	return nil
}

// seen returns the time up to which all workers have seen their packets.
func (p *progress) seen() int64 {
	least := int64(math.MaxInt64)
	for _, m := range p.all() {
		least = min(least, m.nanos.Load())
	}
	return least
}
