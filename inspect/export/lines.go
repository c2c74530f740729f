package export

import (
	"slices"

	"github.com/mirrorsink/mirrorsink/inspect/event"
)

// flushSize is how many bytes are gathered before they are written. Larger writes save few calls, and a pipe holds 64 KiB.
const flushSize = 64 << 10

// Encoder turns events into lines. It is called by one goroutine.
type Encoder interface {
	// Append appends the lines of e, an event of b, to dst: none, one or several, each with its newline.
	Append(dst []byte, b *event.Batch, e *event.Event) []byte
}

// headerEncoder is an encoder whose files begin with a header line.
type headerEncoder interface{ AppendHeader(dst []byte) []byte }

// lossObserver is an encoder that must know how many events were lost before the next one, in the queue or in a failed write.
type lossObserver interface{ Lost(n uint64) }

// rotator is an output that can go on in a new file.
type rotator interface {
	// Due reports whether it is to go on in one before a number of bytes is written.
	Due(n int) bool
	// Rotate goes on in one. It reports false if that failed, and the old file stays in use.
	Rotate() bool
}

// lineWriter is the consumer that writes lines to an output.
type lineWriter struct {
	cfg      *QueueConfig
	rotator  rotator // the output; nil if it is none
	commit   Commit
	buf      []byte
	ends     []lineEnd // of the events in buf
	begun    bool      // the header was written, or is in buf
	head     int       // bytes of the header, at the beginning of buf
	failures FailureLog
}

// lineEnd is where the lines of an event end in a buffer.
type lineEnd struct {
	at   int
	kind event.Kind
}

func newLineWriter(cfg *QueueConfig, commit Commit) *lineWriter {
	r, _ := cfg.Output.(rotator)
	return &lineWriter{cfg: cfg, rotator: r, commit: commit, buf: make([]byte, 0, 2*flushSize), failures: FailureLog{
		Log: cfg.Log, Output: cfg.Output.String(),
		Failed: "event output fails, events are dropped", Recovered: "event output works again",
	}}
}

// Consume encodes a batch. It writes whenever enough bytes are gathered.
func (w *lineWriter) Consume(b *event.Batch, lost uint64) {
	w.reportLost(lost)
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

// reportLost passes losses on to an encoder that observes them.
func (w *lineWriter) reportLost(n uint64) {
	if o, ok := w.cfg.Encoder.(lossObserver); ok && n > 0 {
		o.Lost(n)
	}
}

// begin encodes the header before the first line of a file.
func (w *lineWriter) begin() {
	if h, ok := w.cfg.Encoder.(headerEncoder); ok && !w.begun {
		w.buf = h.AppendHeader(w.buf)
		w.head = len(w.buf)
	}
	w.begun = true
}

// Flush writes what was encoded. For Rotate it then reopens the output.
func (w *lineWriter) Flush(reason FlushReason) {
	w.write()
	if reason != Rotate {
		return
	}
	if err := w.cfg.Output.Reopen(); err != nil {
		w.cfg.Log.Error("cannot reopen, going on with the old file", "output", w.cfg.Output.String(), "error", err)
		return
	}
	w.begun = false
}

// Close closes the output.
func (w *lineWriter) Close() error { return w.cfg.Output.Close() }

func (w *lineWriter) write() {
	if len(w.ends) == 0 {
		return
	}
	n, err := 0, error(nil)
	if len(w.buf) > 0 {
		w.rotate()
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
	w.begun = w.begun && n >= w.head // the next write begins with the header if this one lost it
	w.buf, w.ends, w.head = w.buf[:0], w.ends[:0], 0
	w.reportLost(lost)
	w.commit(&written, &dropped, err)
	w.failures.Report(err)
}

// rotate has the output go on in a new file if that is due. The lines that were gathered go there, behind a header of their own.
func (w *lineWriter) rotate() {
	if w.rotator == nil || !w.rotator.Due(len(w.buf)) || !w.rotator.Rotate() {
		return
	}
	h, ok := w.cfg.Encoder.(headerEncoder)
	if !ok || w.head > 0 {
		return
	}
	header := h.AppendHeader(nil)
	w.buf = slices.Insert(w.buf, 0, header...)
	for i := range w.ends {
		w.ends[i].at += len(header)
	}
	w.head = len(header)
}
