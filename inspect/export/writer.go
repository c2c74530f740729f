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

// Encoder turns events into lines. It is called by one goroutine.
type Encoder interface {
	// Append appends the lines of e, an event of b, to dst: none, one or several, each with its newline.
	Append(dst []byte, b *event.Batch, e *event.Event) []byte
}

// headed is an encoder whose files begin with a line of their own.
type headed interface{ AppendHeader(dst []byte) []byte }

// mourner is an encoder that wants to know of events that were lost before the next one, in the queue or by a failing output.
type mourner interface{ Lost(n uint64) }

// lines is the consumer that writes lines to an output.
type lines struct {
	cfg     *QueueConfig
	settle  Settle
	buf     []byte
	ends    []lineEnd // of the events in buf
	begun   bool      // the header was written, or is in buf
	head    int       // bytes of the header, at the beginning of buf
	failing bool
	quiet   time.Time // until when failures are not logged
}

// lineEnd says where the lines of an event end in a buffer.
type lineEnd struct {
	at   int
	kind event.Kind
}

func newLines(cfg *QueueConfig, settle Settle) *lines {
	return &lines{cfg: cfg, settle: settle, buf: make([]byte, 0, 2*flushSize)}
}

// Consume encodes a batch, and writes when that is worth a call.
func (w *lines) Consume(b *event.Batch, lost uint64) {
	if m, ok := w.cfg.Encoder.(mourner); ok && lost > 0 {
		m.Lost(lost)
	}
	for i := range b.Events {
		e := &b.Events[i]
		if !w.cfg.Kinds.Has(e.Kind) {
			continue
		}
		w.begin()
		w.buf = w.cfg.Encoder.Append(w.buf, b, e)
		w.ends = append(w.ends, lineEnd{len(w.buf), e.Kind})
		if len(w.buf) >= flushSize {
			w.write()
		}
	}
}

// begin begins a file.
func (w *lines) begin() {
	if h, ok := w.cfg.Encoder.(headed); ok && !w.begun {
		w.buf = h.AppendHeader(w.buf)
		w.head = len(w.buf)
	}
	w.begun = true
}

// Flush writes what was encoded, and begins a new file if it is told so.
func (w *lines) Flush(why Occasion) {
	w.write()
	if why != Rotate {
		return
	}
	if err := w.cfg.Output.Reopen(); err != nil {
		w.cfg.Log.Error("cannot reopen, going on with the old file", "output", w.cfg.Output.String(), "error", err)
		return
	}
	w.begun = false
}

// Close closes the output.
func (w *lines) Close() error { return w.cfg.Output.Close() }

func (w *lines) write() {
	if len(w.ends) == 0 {
		return
	}
	n, err := 0, error(nil)
	if len(w.buf) > 0 {
		n, err = w.cfg.Output.Write(w.buf)
	}
	var written, dropped [event.Kinds]uint64
	lost := uint64(0)
	for _, l := range w.ends {
		if l.at <= n {
			written[l.kind]++
		} else {
			dropped[l.kind]++
			lost++
		}
	}
	w.begun = w.begun && n >= w.head // a file without its header gets one as soon as it can
	w.buf, w.ends, w.head = w.buf[:0], w.ends[:0], 0
	if m, ok := w.cfg.Encoder.(mourner); ok && lost > 0 {
		m.Lost(lost)
	}
	w.settle(&written, &dropped, err)
	w.report(err)
}

// report logs that an output began to fail, that it still does, and that it works again.
func (w *lines) report(err error) {
	log, name := w.cfg.Log, w.cfg.Output.String()
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
