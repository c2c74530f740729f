package inspect

import (
	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/flow"
)

// Kinds of texts that are attached to a flow's name, for records that say more of a flow than its name.
const (
	textSNI byte = iota + 1 // unless it is the name
	textDNS                 // likewise
	textJA4
)

// remember attaches a text to a flow. Only flow log records ask for it.
func (w *Worker) remember(r *flow.Record, kind byte, text []byte) {
	if w.cfg.Interval == 0 || len(text) == 0 {
		return
	}
	ref, ok := w.names.Attach(r.Name, kind, text)
	if !ok {
		w.stats.NamesRefused++
	}
	r.Name = ref
}

// rememberDNS keeps the name that DNS gave, of a flow that gets a better one.
func (w *Worker) rememberDNS(r *flow.Record) {
	if w.cfg.Interval == 0 {
		return
	}
	var name [256]byte // w.name may hold the better one
	w.remember(r, textDNS, w.names.Append(name[:0], r.Name))
}

// fingerprint keeps the JA4 of a client's hello.
func (w *Worker) fingerprint(r *flow.Record) {
	if w.cfg.Interval != 0 {
		w.remember(r, textJA4, w.hint.JA4)
	}
}

// attached copies a text that was remembered of a flow into the batch.
func (w *Worker) attached(r *flow.Record, kind byte) event.Span {
	w.name = w.names.Attached(w.name[:0], r.Name, kind)
	return w.out.CopyText(w.name)
}
