package parquet

import (
	"cmp"
	"slices"
)

// rowOrder is the order in which rows are written. Its memory is reused for each row group.
type rowOrder struct {
	rows  []uint32 // the numbers of the rows, in that order
	ranks []uint32 // by code, the rank of its value
	count []uint32
	codes []uint32
}

// find determines the order of the rows by a counting sort, since many rows have the same second. It reports whether they are in
// order already.
func (o *rowOrder) find(v *values) (already bool) {
	if v.uniform() {
		return true
	}
	o.rank(v)
	if slices.IsSortedFunc(v.codes, func(a, b uint32) int { return cmp.Compare(o.ranks[a], o.ranks[b]) }) {
		return true
	}
	o.count = append(o.count[:0], make([]uint32, len(o.ranks)+1)...)
	for _, c := range v.codes {
		o.count[o.ranks[c]+1]++
	}
	for i := 1; i < len(o.count); i++ {
		o.count[i] += o.count[i-1]
	}
	o.rows = append(o.rows[:0], v.codes...)
	for row, c := range v.codes {
		at := &o.count[o.ranks[c]]
		o.rows[*at] = uint32(row)
		*at++
	}
	return false
}

// rank determines the rank of each code's value. Null comes last.
func (o *rowOrder) rank(v *values) {
	entries := make([]uint32, v.entries())
	for e := range entries {
		entries[e] = uint32(e)
	}
	slices.SortFunc(entries, v.compare)
	o.ranks = append(o.ranks[:0], make([]uint32, len(entries)+1)...)
	for place, e := range entries {
		o.ranks[e+1] = uint32(place)
	}
	o.ranks[null] = uint32(len(entries))
}

// gather returns a column's codes in the order of the rows. They are valid until the next call.
func (o *rowOrder) gather(codes []uint32) []uint32 {
	o.codes = o.codes[:0]
	for _, row := range o.rows {
		o.codes = append(o.codes, codes[row])
	}
	return o.codes
}
