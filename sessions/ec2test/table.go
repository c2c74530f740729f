package ec2test

import (
	"cmp"
	"slices"
)

// A table holds the resources of a kind by ID and in the order in which they were created, which is the order of pages.
type table[T any] struct {
	rows    []*row[T]
	byID    map[string]*row[T]
	made    uint64
	indexes []indexed[T]
}

// A row is one resource. Its value is never changed in place, since replies are written after the lock is released.
type row[T any] struct {
	seq    uint64 // from 1, grows with each row of the table
	id     string
	hidden uint64 // number of the last call that does not see it
	value  *T
}

func newTable[T any](indexes ...indexed[T]) table[T] {
	return table[T]{byID: map[string]*row[T]{}, indexes: indexes}
}

// put adds or replaces a resource. An added one is hidden up to the given call.
func (t *table[T]) put(id string, value *T, hidden uint64) {
	if r := t.byID[id]; r != nil {
		t.unindex(r)
		r.value = value
		t.index(r)
		return
	}
	t.made++
	r := &row[T]{t.made, id, hidden, value}
	t.rows = append(t.rows, r)
	t.byID[id] = r
	t.index(r)
}

func (t *table[T]) index(r *row[T]) {
	for _, x := range t.indexes {
		x.add(r.id, r.value)
	}
}

func (t *table[T]) unindex(r *row[T]) {
	for _, x := range t.indexes {
		x.remove(r.id, r.value)
	}
}

// get returns a resource, visible or not, or nil.
func (t *table[T]) get(id string) *T {
	if r := t.byID[id]; r != nil {
		return r.value
	}
	return nil
}

// seen returns a resource if the call sees it, or nil.
func (t *table[T]) seen(id string, call uint64) *T {
	if r := t.byID[id]; r != nil && r.hidden < call {
		return r.value
	}
	return nil
}

func (t *table[T]) remove(id string) {
	r := t.byID[id]
	if r == nil {
		return
	}
	t.unindex(r)
	delete(t.byID, id)
	if i, ok := t.find(r.seq); ok {
		t.rows = slices.Delete(t.rows, i, i+1)
	}
}

// find returns the index at which a row is, or would be inserted.
func (t *table[T]) find(seq uint64) (int, bool) {
	return slices.BinarySearchFunc(t.rows, seq, func(r *row[T], seq uint64) int { return cmp.Compare(r.seq, seq) })
}

// showAll makes every resource visible.
func (t *table[T]) showAll() {
	for _, r := range t.rows {
		r.hidden = 0
	}
}

func bySeq[T any](a, b *row[T]) int { return cmp.Compare(a.seq, b.seq) }

// list returns copies of all values, sorted by ID.
func list[T any](t *table[T], clone func(*T) *T) []T {
	all := make([]T, 0, len(t.rows))
	rows := slices.Clone(t.rows)
	slices.SortFunc(rows, func(a, b *row[T]) int { return cmp.Compare(a.id, b.id) })
	for _, r := range rows {
		all = append(all, *clone(r.value))
	}
	return all
}
