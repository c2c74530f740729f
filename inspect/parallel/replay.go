// Package parallel inspects one source, a capture, with several workers. It emits the same events as a worker alone, each with the same
// content, as long as no bound of memory is met, whose parts are smaller here. They come in the order of their packets, but for flows
// that end in the same batch by the passing of time, or with the source.
//
// A splitter reads the source and divides its packets, in chunks, by flow. Each worker accounts its packets, but what depends on the
// packets of others it writes into a journal: what passive DNS answered, and which packets were seen twice. The merger reads the journals
// side by side, in the order of the packets, and emits the events.
package parallel

import (
	"errors"
	"io"
	"os"
	"sync"
	"sync/atomic"

	"github.com/mirrorsink/mirrorsink/inspect"
	"github.com/mirrorsink/mirrorsink/inspect/event"
)

// Replay inspects one source with several workers. Its goroutines share nothing: what they hand on goes through channels, and a sink that
// waits stops them all.
//
// It forwards no frames: the order of the frames of different flows would depend on the workers, and whether a packet is the second copy
// of another is found too late.
//
// Run may be called once; Counters is safe for concurrent use.
type Replay struct {
	splitter *splitter
	workers  []*worker
	merger   *merger

	ended   atomic.Int32   // workers all of whose flows have ended
	running sync.WaitGroup // goroutines that Run waits for
}

// numChunks is how many chunks are on their way at a time: one with each of splitter, workers and merger, and one between each two.
const numChunks = 5

// New returns a replay with n workers. The memory that cfg grants is for all of them together. Config.Now and Peer are not used;
// Config.Forward must be nil.
func New(cfg inspect.Config, n int, source inspect.Source, sink inspect.Sink) (*Replay, error) {
	if cfg.Forward != nil {
		return nil, errors.New("a parallel replay cannot forward frames: their order would depend on the workers")
	}
	if cfg.Shared == nil {
		cfg.Shared = inspect.NewShared(cfg.Memory.Names)
	}
	cfg.Now, cfg.Peer = nil, inspect.Peer{}
	r := &Replay{splitter: newSplitter(cfg, source, n)}
	part := cfg
	part.Memory = inspect.Memory{Flows: cfg.Memory.Flows / 2 / n, Streams: cfg.Memory.Streams / n} // the other half is for flow states
	for range n {
		r.workers = append(r.workers, newWorker(part))
	}
	r.merger = newMerger(cfg, r.workers, sink)
	return r, nil
}

// Run inspects until the source ends or is closed, then ends every open flow and returns. An error is the source's.
func (r *Replay) Run() error {
	free, filled := make(chan *chunk, numChunks), make(chan *chunk, numChunks)
	parts := make([]chan *chunk, len(r.workers))
	for range numChunks {
		free <- newChunk(len(r.workers))
	}
	for i, w := range r.workers {
		parts[i] = make(chan *chunk, numChunks)
		r.running.Go(func() { r.work(w, parts[i], i) })
	}
	r.running.Go(func() { r.merge(filled, free) })
	err := r.split(free, parts, filled)
	r.running.Wait()
	r.splitter.release()
	if errors.Is(err, io.EOF) || errors.Is(err, os.ErrClosed) {
		return nil
	}
	return err
}

// split is the splitter's goroutine. It closes the others' channels.
func (r *Replay) split(free <-chan *chunk, parts []chan *chunk, filled chan<- *chunk) (err error) {
	for last, released := false, false; !last; {
		c := <-free
		if c.ending && !released { // the workers no longer use any datagram, and flows are left to end meanwhile
			released = true
			r.running.Go(r.splitter.release)
		}
		c.clear()
		if err == nil {
			err = r.splitter.fill(c)
		} else {
			last = int(r.ended.Load()) == len(parts)
			c.ending, c.last = true, last
		}
		c.working.Add(len(parts))
		for _, part := range parts {
			part <- c
		}
		filled <- c
	}
	for _, part := range parts {
		close(part)
	}
	close(filled)
	return err
}

// work is the goroutine of worker i.
func (r *Replay) work(w *worker, parts <-chan *chunk, i int) {
	for c := range parts {
		w.journal.data = &c.journals[i]
		w.process(c.parts[i], c.ticks)
		if c.ending && w.endFlows() {
			r.ended.Add(1)
		}
		w.tracker.Publish()
		c.working.Done()
	}
}

// merge is the merger's goroutine.
func (r *Replay) merge(filled <-chan *chunk, free chan<- *chunk) {
	for c := range filled {
		c.working.Wait()
		r.merger.merge(c)
		free <- c
	}
}

// Counters returns the counts up to the last chunk.
func (r *Replay) Counters() event.Counters {
	sum := r.splitter.published.Get()
	for _, w := range r.workers {
		n := w.tracker.Counters()
		sum.Add(&n)
	}
	n := r.merger.published.Get()
	sum.Add(&n)
	return sum
}
