package export

import (
	"context"
	"log/slog"
	"sync"

	"github.com/mirrorsink/mirrorsink/inspect/event"
)

// QueueConfig configures a Queue.
type QueueConfig struct {
	Kinds event.KindSet // the events that it takes; it ignores all others and does not count them
	// Consumer makes the consumer that writes the events. If it is nil the queue writes lines: Encoder makes them, Output takes
	// them.
	Consumer func(Commit) Consumer
	Output   Output
	Encoder  Encoder
	Bytes    int          // bound of the memory of the queued batches
	Block    bool         // when full, wait for room instead of dropping: for captures, which can wait
	Log      *slog.Logger // slog's default if nil
}

// batchOverhead is the cost of a queued batch besides its contents: its own struct, and allocations rounded up to size classes.
// It also bounds the number of batches.
const batchOverhead = 512

// A Queue takes batches from any number of workers. A goroutine of its own passes their events to one consumer. The queue holds a
// bounded number of bytes; when they are used up it drops whole batches and counts their events. An empty queue takes a batch that
// is larger than the bound.
type Queue struct {
	cfg      QueueConfig
	consumer Consumer
	done     chan struct{} // closed when the consuming goroutine has ended

	mu      sync.Mutex // guards the following
	work    sync.Cond  // there are batches to consume, an output to reopen, or the queue is closing
	room    sync.Cond  // bytes were given back, or the queue is closing
	batches []*event.Batch
	bytes   int // of batches, and of those being consumed
	closing bool
	final   bool // the deadline of Close has passed: the counts do not change any more
	reopen  bool
	lost    uint64 // events dropped since the consumer was last informed
	counts  event.Counts
	err     error // of the first write that failed
}

// NewQueue starts a queue, which owns the output or the consumer from now on. Close ends it.
func NewQueue(cfg QueueConfig) *Queue {
	q := &Queue{cfg: cfg, done: make(chan struct{})}
	if q.cfg.Log == nil {
		q.cfg.Log = slog.Default()
	}
	q.work.L, q.room.L = &q.mu, &q.mu
	if cfg.Consumer != nil {
		q.consumer = cfg.Consumer(q.commit)
	} else {
		q.consumer = newLineWriter(&q.cfg, q.commit)
	}
	go q.run()
	return q
}

// run passes batches to the consumer until the queue is closed and empty. It flushes the consumer whenever the queue is empty, so
// that an event waits only for events that are already queued.
func (q *Queue) run() {
	defer close(q.done)
	t := q.take(nil)
	for ; t.more; t = q.take(t.batches) {
		if t.reopen {
			q.consumer.Flush(Rotate)
		}
		for _, b := range t.batches {
			q.consumer.Consume(b, t.lost)
			t.lost = 0
			q.release(b)
		}
		q.consumer.Flush(Idle)
	}
	q.consumer.Flush(Finish)
}

// Events queues a batch, which must not change any more. The queue releases it when it is consumed or dropped. Events is safe for
// concurrent use, and waits only if the queue blocks.
func (q *Queue) Events(b *event.Batch) {
	kinds, any := q.kindsOf(b)
	if !any {
		b.Release()
		return
	}
	cost := costOf(b)
	q.mu.Lock()
	defer q.mu.Unlock()
	addKinds(&q.counts.Produced, &kinds)
	for q.cfg.Block && !q.closing && !q.fits(cost) {
		q.room.Wait()
	}
	if q.closing || !q.fits(cost) {
		addKinds(&q.counts.Dropped, &kinds)
		for _, n := range kinds {
			q.lost += n
		}
		b.Release()
		return
	}
	q.batches = append(q.batches, b)
	q.bytes += cost
	q.work.Signal()
}

func (q *Queue) fits(cost int) bool { return q.bytes == 0 || q.bytes+cost <= q.cfg.Bytes }

// Reopen makes the queue's goroutine reopen the output between two lines, for log rotation. A failure is logged, and the output
// stays as it is.
func (q *Queue) Reopen() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.reopen = true
	q.work.Signal()
}

// Wait makes a full queue wait for room from now on instead of dropping, as with QueueConfig.Block. It is for the end of a live
// run, when nothing is received any more.
func (q *Queue) Wait() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.cfg.Block = true
}

// Counts returns how many events were produced, written and dropped so far.
func (q *Queue) Counts() event.Counts {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.counts
}

// Err returns the error of the first write that failed; nil if none did.
func (q *Queue) Err() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.err
}

// Close takes no more batches, writes those that are queued and closes the output. If ctx ends before that, the remaining events
// are dropped, counted, and returned as lost; a write that does not return is left behind. Close is called once.
func (q *Queue) Close(ctx context.Context) (lost uint64, err error) {
	q.mu.Lock()
	q.closing = true
	q.work.Signal()
	q.room.Broadcast()
	q.mu.Unlock()

	select {
	case <-q.done:
	case <-ctx.Done():
		lost = q.dropAll()
	}
	return lost, q.consumer.Close()
}

// dropAll counts all events that are neither written nor dropped as dropped.
func (q *Queue) dropAll() (lost uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.final = true
	q.batches = nil
	c := &q.counts
	for k := range event.Kinds {
		lost += c.Produced[k] - c.Written[k] - c.Dropped[k]
		c.Dropped[k] = c.Produced[k] - c.Written[k]
	}
	return lost
}

// taken is what the consuming goroutine took from the queue.
type taken struct {
	batches []*event.Batch
	lost    uint64 // events that were dropped before them
	reopen  bool
	more    bool // false at the end
}

// take waits for batches and returns all of them. The queue reuses the slice that was returned last.
func (q *Queue) take(last []*event.Batch) taken {
	clear(last)
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.batches) == 0 && !q.closing && !q.reopen {
		q.work.Wait()
	}
	t := taken{batches: q.batches, lost: q.lost, reopen: q.reopen, more: len(q.batches) > 0 || q.reopen}
	q.batches, q.reopen = last[:0], false
	if len(t.batches) > 0 {
		q.lost = 0
	}
	return t
}

// release gives a batch's bytes back. The consumer does not read the batch any more.
func (q *Queue) release(b *event.Batch) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.bytes -= costOf(b)
	q.room.Broadcast()
	b.Release()
}

// commit counts the result of a write.
func (q *Queue) commit(written, dropped *[event.Kinds]uint64, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.final {
		return
	}
	addKinds(&q.counts.Written, written)
	addKinds(&q.counts.Dropped, dropped)
	if q.err == nil {
		q.err = err
	}
}

func costOf(b *event.Batch) int { return b.Footprint() + batchOverhead }

// kindsOf counts the events that the queue takes, and reports whether there are any.
func (q *Queue) kindsOf(b *event.Batch) (n [event.Kinds]uint64, any bool) {
	for i := range b.Events {
		if k := b.Events[i].Kind; q.cfg.Kinds.Has(k) {
			n[k]++
			any = true
		}
	}
	return n, any
}

func addKinds(to, n *[event.Kinds]uint64) {
	for k := range to {
		to[k] += n[k]
	}
}
