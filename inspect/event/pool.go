package event

import "sync"

// A Pool keeps batches that nobody holds, so that their memory is used again. It is a free list and not a sync.Pool, since it has
// to hand out the batch that was released last, whose memory is still in the caches, and to keep batches over garbage
// collections: growing a batch again costs most of what filling it does. Its zero value is an empty pool. It is safe for
// concurrent use.
type Pool struct {
	mu   sync.Mutex // guards free
	free []*Batch
}

// maxFree bounds the batches that a pool keeps: more than are ever between a worker and its exporters.
const maxFree = 64

// New returns an empty batch, which its caller holds. The batch goes back to the pool when its last holder releases it.
func (p *Pool) New() *Batch {
	b := p.take()
	if b == nil {
		b = &Batch{pool: p}
	}
	b.holders.Store(1)
	return b
}

// take returns a batch that nobody holds; nil if there is none.
func (p *Pool) take() (b *Batch) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := len(p.free); n > 0 {
		b = p.free[n-1]
		p.free = p.free[:n-1]
	}
	return b
}

func (p *Pool) put(b *Batch) {
	b.Reset()
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.free) < maxFree {
		p.free = append(p.free, b)
	}
}
