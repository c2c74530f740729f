package parquet

import (
	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/export"
)

// kindCounts counts events by kind.
type kindCounts [event.Kinds]uint64

func (n *kindCounts) add(m kindCounts) {
	for k := range n {
		n[k] += m[k]
	}
}

// outcome counts the events that were written and those that were lost. An event counts where its last row is.
type outcome struct{ written, lost kindCounts }

// lastOf returns the mark of an event's last row; all other rows are marked with 0.
func lastOf(k event.Kind) uint8 { return uint8(k) + 1 }

// marked counts the marks.
func marked(last []uint8) (n kindCounts) {
	for _, m := range last {
		if m != 0 {
			n[m-1]++
		}
	}
	return n
}

// consumer writes the rows of a queue's events, many at a time.
type consumer[T any] struct {
	kinds  event.KindSet
	files  *writer[T]
	rows   func(*event.Batch, *event.Event) []T // valid until the next call
	lost   func(n uint64)                       // called with the number of events that the queue dropped; may be nil
	commit export.Commit

	batch []T
	last  []uint8 // marks of batch
}

// maxConsumed is how many rows are gathered. With more they do not fit into the cache, which costs more than it saves.
const maxConsumed = 4 * stride

// Consume makes rows of a batch's events. It commits events without rows as written.
func (c *consumer[T]) Consume(b *event.Batch, lost uint64) {
	if lost > 0 && c.lost != nil {
		c.lost(lost)
	}
	var none kindCounts
	for i := range b.Events {
		e := &b.Events[i]
		if !c.kinds.Has(e.Kind) {
			continue
		}
		rows := c.rows(b, e)
		if len(rows) == 0 {
			none[e.Kind]++
			continue
		}
		c.batch = append(c.batch, rows...)
		c.last = append(c.last, make([]uint8, len(rows)-1)...)
		c.last = append(c.last, lastOf(e.Kind))
		if len(c.batch) >= maxConsumed {
			c.write()
		}
	}
	c.write()
	c.commitAll(none)
}

func (c *consumer[T]) write() {
	c.files.write(c.batch, c.last)
	clear(c.batch)
	c.batch, c.last = c.batch[:0], c.last[:0]
}

// Flush finishes all files, except for Idle: rows wait for others.
func (c *consumer[T]) Flush(reason export.FlushReason) {
	if reason != export.Idle {
		c.files.finish()
	}
	c.commitAll(kindCounts{})
}

// commitAll commits the events whose outcome is known, and those that have no rows.
func (c *consumer[T]) commitAll(none kindCounts) {
	o, err := c.files.drain()
	o.written.add(none)
	if o != (outcome{}) {
		c.commit((*[event.Kinds]uint64)(&o.written), (*[event.Kinds]uint64)(&o.lost), err)
	}
}

// Close drops the rows of unfinished files.
func (c *consumer[T]) Close() error {
	c.files.close()
	return nil
}
