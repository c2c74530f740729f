package alert

import "container/list"

// lru is state by key, bounded in bytes: the least recently used is dropped.
type lru[K comparable, V any] struct {
	items map[K]*list.Element
	order *list.List // of *entry; the front is the most recently used
	size  int
	limit int
	of    func(*V) int // bytes of a value; its key and place are counted beside it
	drops uint64
}

type entry[K comparable, V any] struct {
	key   K
	value V
	size  int
}

// entrySize is the memory of an entry without its value's own: map, list and texts of a key.
const entrySize = 256

func newLRU[K comparable, V any](limit int, of func(*V) int) *lru[K, V] {
	return &lru[K, V]{items: map[K]*list.Element{}, order: list.New(), limit: limit, of: of}
}

// get returns the value of a key, a new one if there is none. fresh reports whether it is new.
func (l *lru[K, V]) get(k K) (v *V, fresh bool) {
	if e := l.items[k]; e != nil {
		l.order.MoveToFront(e)
		return &e.Value.(*entry[K, V]).value, false
	}
	e := &entry[K, V]{key: k}
	l.items[k] = l.order.PushFront(e)
	return &e.value, true
}

// find returns the value of a key, nil if there is none. It is no use of the value.
func (l *lru[K, V]) find(k K) *V {
	if e := l.items[k]; e != nil {
		return &e.Value.(*entry[K, V]).value
	}
	return nil
}

// settle counts the value's memory again, after it was changed, and makes room. The value of k itself stays.
func (l *lru[K, V]) settle(k K) {
	e := l.items[k].Value.(*entry[K, V])
	size := entrySize + l.of(&e.value)
	l.size += size - e.size
	e.size = size
	l.shrink(e)
}

// evicted returns how many values were dropped for want of room.
func (l *lru[K, V]) evicted() uint64 { return l.drops }

// bound sets the bytes that the state may take.
func (l *lru[K, V]) bound(limit int) {
	l.limit = limit
	l.shrink(nil)
}

// shrink drops the least recently used until the rest fits; keep stays.
func (l *lru[K, V]) shrink(keep *entry[K, V]) {
	for l.size > l.limit && l.order.Len() > 1 {
		back := l.order.Back()
		if back.Value.(*entry[K, V]) == keep {
			break
		}
		l.remove(back)
		l.drops++
	}
}

func (l *lru[K, V]) remove(el *list.Element) {
	e := el.Value.(*entry[K, V])
	l.size -= e.size
	delete(l.items, e.key)
	l.order.Remove(el)
}

// oldest returns the values from the least recently used on; the loop may remove the one that it is at.
func (l *lru[K, V]) oldest(yield func(K, *V) bool) {
	for el := l.order.Back(); el != nil; {
		before := el.Prev()
		e := el.Value.(*entry[K, V])
		if !yield(e.key, &e.value) {
			return
		}
		el = before
	}
}

// drop removes a key.
func (l *lru[K, V]) drop(k K) {
	if el := l.items[k]; el != nil {
		l.remove(el)
	}
}
