package inspect

import (
	"time"

	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/naming"
)

// held is a queue of batches of events between a Direct and its sink. What DNS says about a flow is certain only some time after its first
// packet: see naming.Reach. An event that may still change waits, and those behind it wait too, so that their order stays. The queue is
// bounded: what does not fit is delivered as it is, without what is not certain.
type held struct {
	namer *naming.Namer
	sink  Sink
	pool  event.Pool
	limit int // bytes of batches in the queue
	size  int
	now   int64 // the time of the packets that were given to this worker
	open  *heldBatch
	queue []*heldBatch
	spare []*heldBatch
}

// heldBatch is a batch with what its events wait for.
type heldBatch struct {
	batch *event.Batch
	waits []wait
	last  uint64 // the last place of all of them
	since int64  // when the first of them came
	done  []func()
}

// wait is what an event waits for.
type wait struct {
	event int
	place uint64
}

// longestBatch is how long a batch may be added to while an event in it waits. A shorter time makes more batches, a longer one delays
// events more.
const longestBatch = int64(25 * time.Millisecond)

// maxShort bounds the batches in the queue that are not full. Other workers may be late by more than usual.
const maxShort = 8

// minHeld is the least memory of held batches.
const minHeld = 4 * batchBytes

func newHeld(namer *naming.Namer, sink Sink, limit int) *held {
	h := &held{namer: namer, sink: sink, limit: max(minHeld, limit)}
	h.open = h.next()
	return h
}

// next returns a batch without events.
func (h *held) next() *heldBatch {
	if n := len(h.spare); n > 0 {
		b := h.spare[n-1]
		h.spare = h.spare[:n-1]
		b.batch = h.pool.New()
		return b
	}
	return &heldBatch{batch: h.pool.New()}
}

// wait makes the last event of the open batch wait for a decision about its flow.
func (h *held) wait(place uint64) {
	b := h.open
	if len(b.waits) == 0 {
		b.since = h.now
	}
	b.waits = append(b.waits, wait{len(b.batch.Events) - 1, place})
	b.last = max(b.last, place)
}

// ready reports whether nothing in a batch waits any more.
func (h *held) ready(b *heldBatch) bool { return len(b.waits) == 0 || h.namer.Decided(b.last) }

// deliver gives the sink what waits for nothing, in order, and more if there is no room for it.
func (h *held) deliver() {
	h.release(false)
	switch b := h.open; {
	case len(b.batch.Events) == 0:
	case len(h.queue) == 0 && h.ready(b):
		h.open = h.next()
		h.complete(b)
	case b.batch.Size() >= batchBytes, len(b.waits) > 0 && h.now-b.since >= longestBatch && len(h.queue) < maxShort:
		h.push()
	}
}

// push closes the open batch.
func (h *held) push() {
	h.queue = append(h.queue, h.open)
	h.size += h.open.batch.Size()
	h.open = h.next()
	for h.size > h.limit {
		h.pop()
	}
}

// release gives the sink the batches in front of which nothing waits; all of the queue if all is set.
func (h *held) release(all bool) {
	for len(h.queue) > 0 && (all || h.ready(h.queue[0])) {
		h.pop()
	}
}

// pop gives the sink the first batch of the queue.
func (h *held) pop() {
	b := h.queue[0]
	h.queue = h.queue[:copy(h.queue, h.queue[1:])]
	h.size -= b.batch.Size()
	h.complete(b)
}

// complete corrects the events of a batch that have waited, gives it to the sink, and does what was to come after it.
func (h *held) complete(b *heldBatch) {
	for _, w := range b.waits {
		h.namer.Complete(b.batch, &b.batch.Events[w.event], w.place)
	}
	if len(b.batch.Events) > 0 {
		h.sink.Events(b.batch)
	} else {
		b.batch.Release()
	}
	done := b.done
	*b = heldBatch{waits: b.waits[:0]}
	h.spare = append(h.spare, b)
	for _, do := range done {
		do()
	}
}

// after calls do when all events so far were delivered.
func (h *held) after(do func()) {
	if h.deliver(); len(h.queue) == 0 && len(h.open.batch.Events) == 0 {
		do()
		return
	}
	h.open.done = append(h.open.done, do)
	h.push()
}

// close delivers everything, whether it is certain or not.
func (h *held) close() {
	h.push()
	h.release(true)
}
