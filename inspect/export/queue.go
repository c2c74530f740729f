package export

import (
	"context"
	"log/slog"
	"sync"

	"github.com/mirrorsink/mirrorsink/inspect/event"
)

// A Consumer writes what a queue holds. But for Close its methods are called by the queue's one goroutine.
type Consumer interface {
	// Consume takes a batch, which it does not keep. Of the events of the queue's kinds in it, it settles each sooner or later:
	// see Settle. lost is how many such events the queue had no room for since the last call.
	Consume(b *event.Batch, lost uint64)
	// Flush says that there is reason to write what was gathered.
	Flush(why Occasion)
	// Close gives up the consumer's files and connections. It may be called while another method is under way, and ends that
	// where the system lets it.
	Close() error
}

// Settle says what became of events that a consumer took, and of the first error among them. A consumer calls it for each
// event once, from the queue's goroutine, Flush(Finish) at the latest.
type Settle func(written, dropped *[event.Kinds]uint64, err error)

// Occasion is a reason to write what was gathered.
type Occasion uint8

// Occasions.
const (
	Idle   Occasion = iota // nothing is queued at the moment
	Rotate                 // go on in a new file, after the old one was moved away
	Finish                 // nothing will come any more
)

// QueueConfig says what a Queue does.
type QueueConfig struct {
	Kinds event.KindSet // which events it takes; all others do not concern it, nor are they counted
	// Consumer makes what writes the events. A nil one is for lines: Encoder makes them, Output takes them.
	Consumer func(Settle) Consumer
	Output   Output
	Encoder  Encoder
	Bytes    int          // how much memory the queued batches may hold
	Block    bool         // when full, wait for room instead of dropping: for captures, which can wait
	Log      *slog.Logger // slog's default if nil
}

// batchOverhead is what a queued batch costs besides its contents: its own struct, and allocations rounded up to size
// classes. It also bounds the number of batches.
const batchOverhead = 512

// A Queue takes batches from any number of workers and has their events written to one output by a goroutine of its own. It
// holds a bounded number of bytes; when they are used up, whole batches are dropped and counted. A batch larger than the
// bound is taken when the queue is empty.
type Queue struct {
	cfg  QueueConfig
	to   Consumer
	done chan struct{} // closed when the writing goroutine has ended

	mu      sync.Mutex // guards the following
	work    sync.Cond  // there are batches to write, a file to reopen, or nothing will come any more
	room    sync.Cond  // bytes were given back, or nothing is taken any more
	batches []*event.Batch
	bytes   int // of batches, and of those being written
	closing bool
	final   bool // the deadline of Close struck: counts do not change any more
	reopen  bool
	lost    uint64 // events that found no room since the consumer was told
	counts  event.Counts
	err     error // of the first write that failed
}

// NewQueue starts a queue. It owns the output, or the consumer, from now on. Close ends it.
func NewQueue(cfg QueueConfig) *Queue {
	q := &Queue{cfg: cfg, done: make(chan struct{})}
	if q.cfg.Log == nil {
		q.cfg.Log = slog.Default()
	}
	q.work.L, q.room.L = &q.mu, &q.mu
	if cfg.Consumer != nil {
		q.to = cfg.Consumer(q.settle)
	} else {
		q.to = newLines(&q.cfg, q.settle)
	}
	go q.run()
	return q
}

// run hands over what is queued until the queue is closed and empty. It has the consumer flush whenever the queue is empty,
// so that an event waits for others only as long as these are there already.
func (q *Queue) run() {
	defer close(q.done)
	t := q.take(nil)
	for ; t.more; t = q.take(t.batches) {
		if t.reopen {
			q.to.Flush(Rotate)
		}
		for _, b := range t.batches {
			q.to.Consume(b, t.lost)
			t.lost = 0
			q.release(b)
		}
		q.to.Flush(Idle)
	}
	q.to.Flush(Finish)
}

// Events queues a batch, which must not change any more, and releases it when it is written or dropped. It may be called by
// several goroutines at once, and does not wait unless the queue was told to.
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

// Reopen makes the writing goroutine reopen the output, between two lines: what a log rotation asks for. A failure is
// logged, and the output goes on as it was.
func (q *Queue) Reopen() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.reopen = true
	q.work.Signal()
}

// Wait makes a full queue wait for room from now on instead of dropping, as QueueConfig.Block does from the start: for the
// end of a live run, when nothing is received any more.
func (q *Queue) Wait() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.cfg.Block = true
}

// Counts returns what became of the events so far.
func (q *Queue) Counts() event.Counts {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.counts
}

// Err returns the error of the first write that failed, nil if none did.
func (q *Queue) Err() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.err
}

// Close takes no more batches, writes those that are queued and closes the output. When ctx ends before that, what is left
// is dropped, counted, and returned as lost; a write that does not return is left behind. It is called once.
func (q *Queue) Close(ctx context.Context) (lost uint64, err error) {
	q.mu.Lock()
	q.closing = true
	q.work.Signal()
	q.room.Broadcast()
	q.mu.Unlock()

	select {
	case <-q.done:
	case <-ctx.Done():
		lost = q.abandon()
	}
	return lost, q.to.Close()
}

// abandon counts everything that is still on its way as dropped.
func (q *Queue) abandon() (lost uint64) {
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

// taken is what the writing goroutine got.
type taken struct {
	batches []*event.Batch
	lost    uint64 // events that found no room before them
	reopen  bool
	more    bool // false at the end
}

// take waits for batches and returns all of them, in a slice that takes the place of the last one.
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

// release gives a batch's bytes back. Nobody reads the batch any more.
func (q *Queue) release(b *event.Batch) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.bytes -= costOf(b)
	q.room.Broadcast()
	b.Release()
}

// settle counts what a write did.
func (q *Queue) settle(written, dropped *[event.Kinds]uint64, err error) {
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

// kindsOf counts the events that the queue takes, and says whether there are any.
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
