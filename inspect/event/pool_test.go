package event

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"
)

// TestPoolHandsOutTheLastReleasedBatch, whose memory is still in the caches.
func TestPoolHandsOutTheLastReleasedBatch(t *testing.T) {
	var p Pool
	first, second := p.New(), p.New()
	first.Release()
	second.Release()
	assert.Same(t, second, p.New())
	assert.Same(t, first, p.New())
	assert.NotSame(t, first, p.New())
}

// TestPoolIsBounded: a pool keeps at most maxFree batches.
func TestPoolIsBounded(t *testing.T) {
	var p Pool
	var batches []*Batch
	for range maxFree + 10 {
		batches = append(batches, p.New())
	}
	for _, b := range batches {
		b.Release()
	}
	assert.Len(t, p.free, maxFree)
}

// TestPoolNeverSharesABatch: no batch has two owners at a time, whatever the order of calls.
func TestPoolNeverSharesABatch(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var p Pool
		held := map[*Batch]int{}
		t.Repeat(map[string]func(*rapid.T){
			"new": func(t *rapid.T) {
				b := p.New()
				assert.Zero(t, held[b], "it is held")
				assert.Empty(t, b.Events)
				b.Events = append(b.Events, Event{})
				held[b] = 1
			},
			"retain":  func(t *rapid.T) { anyHeld(t, held, func(b *Batch) { b.Retain(); held[b]++ }) },
			"release": func(t *rapid.T) { anyHeld(t, held, func(b *Batch) { held[b]--; b.Release() }) },
			"":        func(*rapid.T) {},
		})
	})
}

// anyHeld calls f with a batch that is held.
func anyHeld(t *rapid.T, held map[*Batch]int, f func(*Batch)) {
	for b, n := range held {
		if n > 0 {
			assert.NotEmpty(t, b.Events, "it was reset while it was held")
			f(b)
			return
		}
	}
}

// TestPoolConcurrently: workers take batches and exporters release them, on other goroutines.
func TestPoolConcurrently(t *testing.T) {
	var p Pool
	var wg sync.WaitGroup
	batches := make(chan *Batch, 8)
	for range 2 {
		wg.Go(func() {
			for range 1000 {
				b := p.New()
				b.Events = append(b.Events, Event{Nanos: 1})
				batches <- b
			}
		})
	}
	var exporters sync.WaitGroup
	for range 2 {
		exporters.Go(func() {
			for b := range batches {
				assert.Len(t, b.Events, 1)
				b.Release()
			}
		})
	}
	wg.Wait()
	close(batches)
	exporters.Wait()
}
