package export

import "github.com/mirrorsink/mirrorsink/inspect/event"

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

// lineWriter is the consumer that writes lines to an output.
type lineWriter struct {
	cfg      *QueueConfig
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
	return &lineWriter{cfg: cfg, commit: commit, buf: make([]byte, 0, 2*flushSize), failures: FailureLog{
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
