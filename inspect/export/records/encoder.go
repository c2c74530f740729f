package records

import (
	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/flowlog"
)

// Encoder writes records as lines.
type Encoder struct {
	Format  *flowlog.Format
	Builder *Builder
}

// AppendHeader appends the names of the fields, as in the first line of AWS's files.
func (f *Encoder) AppendHeader(dst []byte) []byte { return f.Format.AppendHeader(dst) }

// Lost reports that n events were lost before the next one.
func (f *Encoder) Lost(n uint64) { f.Builder.Lost(n) }

// Append appends the lines of an event of Kinds.
func (f *Encoder) Append(dst []byte, b *event.Batch, e *event.Event) []byte {
	records := f.Builder.Records(b, e)
	for i := range records {
		dst = f.Format.AppendText(dst, &records[i])
	}
	return dst
}
