package export

import "github.com/mirrorsink/mirrorsink/inspect/event"

// kindCounts counts events by kind.
type kindCounts [event.Kinds]uint64

func (n *kindCounts) add(m kindCounts) {
	for k := range n {
		n[k] += m[k]
	}
}

// tally is what became of events. An event is where its last row is.
type tally struct{ written, lost kindCounts }

// lastOf marks the last row of an event; other rows are marked with 0.
func lastOf(k event.Kind) uint8 { return uint8(k) + 1 }

// marked counts marks.
func marked(last []uint8) (n kindCounts) {
	for _, m := range last {
		if m != 0 {
			n[m-1]++
		}
	}
	return n
}

// parquetConsumer writes the rows that a queue's events tell of. Rows of a batch are handed over together.
type parquetConsumer[T any] struct {
	kinds  event.KindSet
	files  *parquetWriter[T]
	rows   func(*event.Batch, *event.Event) []T // valid until the next call
	lost   func(n uint64)                       // told of events that the queue lost; may be nil
	settle Settle

	batch []T
	last  []uint8
}

// maxConsumed is how many rows are gathered: more than fit into the cache cost more than they save.
const maxConsumed = 4 * parquetStride

// Consume makes rows of a batch's events. Those that have none are settled.
func (c *parquetConsumer[T]) Consume(b *event.Batch, lost uint64) {
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
	c.tell(none)
}

func (c *parquetConsumer[T]) write() {
	c.files.write(c.batch, c.last)
	clear(c.batch)
	c.batch, c.last = c.batch[:0], c.last[:0]
}

// Flush finishes files, unless the queue is merely empty: rows wait for others.
func (c *parquetConsumer[T]) Flush(why Occasion) {
	if why != Idle {
		c.files.finish()
	}
	c.tell(kindCounts{})
}

// tell settles what has been, and events that have no rows.
func (c *parquetConsumer[T]) tell(none kindCounts) {
	t, err := c.files.drain()
	t.written.add(none)
	if t != (tally{}) {
		c.settle((*[event.Kinds]uint64)(&t.written), (*[event.Kinds]uint64)(&t.lost), err)
	}
}

// Close drops what was not finished.
func (c *parquetConsumer[T]) Close() error {
	c.files.close()
	return nil
}
