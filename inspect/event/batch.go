package event

import (
	"slices"
	"sync/atomic"
	"unsafe"

	"github.com/mirrorsink/mirrorsink/inspect/l7"
)

// A Batch is a sequence of events with the bytes that they refer to. It is immutable from when a sink gets it until all holders
// have released it.
type Batch struct {
	Events []Event
	fields []Field
	bytes  []byte

	holders atomic.Int32
	pool    *Pool // that the last holder gives the batch back to; nil for a batch that no pool made
}

// Retain makes the caller one more holder of the batch. Holders may call it concurrently.
func (b *Batch) Retain() { b.holders.Add(1) }

// Release ends one holding. After the last one the pool may use the batch, and all slices of it, for other events. A batch
// that is never released is left to the garbage collector.
func (b *Batch) Release() {
	if b.holders.Add(-1) == 0 && b.pool != nil {
		b.pool.put(b)
	}
}

// Text returns the bytes of a span. They alias the batch.
func (b *Batch) Text(s Span) []byte { return b.bytes[s.Off : s.Off+s.Len : s.Off+s.Len] }

// Fields returns an event's fields. They alias the batch.
func (b *Batch) Fields(e *Event) []Field {
	return b.fields[e.Fields.Off : e.Fields.Off+e.Fields.Len : e.Fields.Off+e.Fields.Len]
}

// Size returns the bytes of memory that the batch's contents take.
func (b *Batch) Size() int {
	return len(b.bytes) + len(b.fields)*fieldSize + len(b.Events)*eventSize
}

// Footprint returns the bytes of memory that the batch takes, used or not. Queues account for batches by it.
func (b *Batch) Footprint() int {
	return cap(b.bytes) + cap(b.fields)*fieldSize + cap(b.Events)*eventSize
}

const (
	fieldSize = int(unsafe.Sizeof(Field{}))
	eventSize = int(unsafe.Sizeof(Event{}))
)

// Reset empties the batch and keeps its memory. The caller must be its only holder. The rest of the memory points to nothing but
// constants, owners, verdicts and findings.
func (b *Batch) Reset() {
	b.Events, b.fields, b.bytes = b.Events[:0], b.fields[:0], b.bytes[:0]
}

// CopyText copies text into the batch.
func (b *Batch) CopyText(text []byte) Span {
	s := Span{uint32(len(b.bytes)), uint32(len(text))}
	b.bytes = append(b.bytes, text...)
	return s
}

// CopyFields copies a hint's fields, and the text that they alias, into the batch. It is the only place on the data path that
// copies bytes of packets.
func (b *Batch) CopyFields(fields []l7.Field) Span {
	s := Span{uint32(len(b.fields)), uint32(len(fields))}
	copies, text := slices.Grow(b.fields, len(fields)), b.bytes
	for i := range fields {
		f := &fields[i]
		value := halves(f.Num)
		if f.Kind == l7.String {
			value = Span{uint32(len(text)), uint32(len(f.Text))}
			text = append(text, f.Text...)
		}
		copies = append(copies, Field{Text: value, Key: f.Key, Kind: f.Kind, Extra: f.Extra})
	}
	b.fields, b.bytes = copies, text
	return s
}

// Join appends fields of another batch, which one call of CopyFields or Join added there. Their texts are contiguous, so that one
// copy is enough.
func (b *Batch) Join(from *Batch, fields Span) Span {
	s := Span{uint32(len(b.fields)), fields.Len}
	if fields.Len == 0 {
		return s
	}
	b.fields = append(b.fields, from.fields[fields.Off:fields.Off+fields.Len]...)
	added := b.fields[s.Off:]
	texts := textsOf(added)
	moved := uint32(len(b.bytes)) - texts.Off
	b.bytes = append(b.bytes, from.Text(texts)...)
	for i := range added {
		if added[i].Kind == l7.String {
			added[i].Text.Off += moved
		}
	}
	return s
}

// textsOf returns the span of the texts of fields, which must be contiguous.
func textsOf(fields []Field) Span {
	for len(fields) > 0 && fields[0].Kind != l7.String {
		fields = fields[1:]
	}
	if len(fields) == 0 {
		return Span{}
	}
	last := len(fields) - 1
	for fields[last].Kind != l7.String {
		last--
	}
	from, to := fields[0].Text, fields[last].Text
	return Span{from.Off, to.Off + to.Len - from.Off}
}
