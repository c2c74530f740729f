package export

import (
	"time"

	"github.com/mirrorsink/mirrorsink/inspect/event"
)

const (
	// flushSize is how many bytes are gathered before they are written. Larger ones save no more calls that matter, and
	// a pipe holds 64 KiB.
	flushSize = 64 << 10
	// complainEvery bounds how often a failing output is logged: a full disk fails thousands of times a second.
	complainEvery = 10 * time.Second
)

// writer is what the writing goroutine of a queue works with.
type writer struct {
	q       *Queue
	buf     []byte
	lines   []lineEnd // of the lines in buf
	failing bool
	quiet   time.Time // until when failures are not logged
}

// lineEnd says where a line of a buffer ends, and what it says.
type lineEnd struct {
	at   int
	kind event.Kind
}

// run writes until the queue is closed and empty. It flushes whenever the queue is empty, so that a line waits for others
// only as long as these are there already.
func (q *Queue) run() {
	defer close(q.done)
	w := writer{q: q, buf: make([]byte, 0, 2*flushSize)}
	batches, reopen, ok := q.take(nil)
	for ; ok; batches, reopen, ok = q.take(batches) {
		if reopen {
			w.reopen()
		}
		for _, b := range batches {
			w.write(b)
			q.release(b)
		}
		w.flush()
	}
}

func (w *writer) write(b *event.Batch) {
	for i := range b.Events {
		e := &b.Events[i]
		w.buf = w.q.cfg.Encoder.Append(w.buf, b, e)
		w.lines = append(w.lines, lineEnd{len(w.buf), e.Kind})
		if len(w.buf) >= flushSize {
			w.flush()
		}
	}
}

func (w *writer) flush() {
	if len(w.buf) == 0 {
		return
	}
	n, err := w.q.cfg.Output.Write(w.buf)
	var written, dropped [event.Kinds]uint64
	for _, l := range w.lines {
		if l.at <= n {
			written[l.kind]++
		} else {
			dropped[l.kind]++
		}
	}
	w.buf, w.lines = w.buf[:0], w.lines[:0]
	w.q.settle(&written, &dropped, err)
	w.report(err)
}

func (w *writer) reopen() {
	if err := w.q.cfg.Output.Reopen(); err != nil {
		w.q.cfg.Log.Error("cannot reopen, going on with the old file", "output", w.q.cfg.Output.String(), "error", err)
	}
}

// report logs that an output began to fail, that it still does, and that it works again.
func (w *writer) report(err error) {
	log, name := w.q.cfg.Log, w.q.cfg.Output.String()
	now := time.Now()
	if err != nil && now.After(w.quiet) {
		w.quiet = now.Add(complainEvery)
		log.Error("event output fails, events are dropped", "output", name, "error", err)
	}
	if err == nil && w.failing {
		log.Info("event output works again", "output", name)
	}
	w.failing = err != nil
}
