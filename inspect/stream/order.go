package stream

import "github.com/mirrorsink/mirrorsink/inspect/flow"

// list is a list of connections by their last activity.
type list struct {
	head, tail uint32 // least and most recently active
	n          int
}

// touch moves a connection to the end of its list.
func (t *Table) touch(r *flow.Record) {
	c, both := t.conns[r.Stream], r.BothSides()
	if c.both != both || r.Stream != t.listOf(c).tail {
		t.unlink(r.Stream)
		c.both = both
		t.append(r.Stream)
	}
}

// leastRecent returns the flow that is to lose its parsing state: the least recently active one. Flows of which one direction was seen
// go first, as long as they are more than a sixteenth, for the same reason as in package flow: a flood of data from invented
// addresses replaces flows of its own kind.
func (t *Table) leastRecent() *flow.Record {
	one, both := t.lists[0].head, t.lists[1].head
	switch {
	case t.lists[0].n > t.live/16 || both == 0:
		return t.flowOf(one)
	case one == 0:
		return t.flowOf(both)
	}
	a, b := t.flowOf(one), t.flowOf(both)
	if b.End < a.End {
		return b
	}
	return a
}

func (t *Table) flowOf(ref uint32) *flow.Record { return t.flows.At(t.conns[ref].flow) }

func (t *Table) listOf(c *conn) *list {
	if c.both {
		return &t.lists[1]
	}
	return &t.lists[0]
}

func (t *Table) append(ref uint32) {
	c := t.conns[ref]
	l := t.listOf(c)
	c.prev, c.next = l.tail, 0
	if l.tail != 0 {
		t.conns[l.tail].next = ref
	} else {
		l.head = ref
	}
	l.tail = ref
	l.n++
}

func (t *Table) unlink(ref uint32) {
	c := t.conns[ref]
	l := t.listOf(c)
	if c.prev != 0 {
		t.conns[c.prev].next = c.next
	} else {
		l.head = c.next
	}
	if c.next != 0 {
		t.conns[c.next].prev = c.prev
	} else {
		l.tail = c.prev
	}
	l.n--
}
