package parquet

import "math/rand/v2"

// numberDict is the dictionary of a column of numbers, in the order of their first appearance. Doubles are kept as their bits.
type numberDict struct {
	values []int64
	slots  slots
	factor uint64 // odd and random, so that a sender cannot choose values that collide
}

func (d *numberDict) hash(n int64) uint64 { return uint64(n) * d.factor }

// code returns the number of n's entry, plus one.
func (d *numberDict) code(n int64) uint32 {
	if d.factor == 0 {
		d.factor = rand.Uint64() | 1
	}
	if !d.slots.room(len(d.values)) {
		d.slots = d.slots.grown(len(d.values), func(e uint32) uint64 { return d.hash(d.values[e]) })
	}
	at := d.slots.home(d.hash(n))
	for ; d.slots[at] != 0; at = d.slots.next(at) {
		if d.values[d.slots[at]-1] == n {
			return d.slots[at]
		}
	}
	d.values = append(d.values, n)
	d.slots[at] = uint32(len(d.values))
	return d.slots[at]
}

func (d *numberDict) footprint() int { return 8*cap(d.values) + 4*cap(d.slots) }

func (d *numberDict) reset() {
	d.values = d.values[:0]
	clear(d.slots)
}
