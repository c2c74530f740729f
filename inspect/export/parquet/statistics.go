package parquet

import (
	"bytes"

	"github.com/parquet-go/parquet-go/format"
)

// maxBound is the length of the longest text that is given as a bound of a column.
const maxBound = 64

// statistics returns the number of nulls, and the least and greatest of the other values if these are short and have an order that
// all readers agree on.
func (v *values) statistics() format.Statistics {
	s := format.Statistics{NullCount: int64(v.nulls)}
	if v.uniform() && v.only == null {
		s.NullCount = int64(v.rows)
	}
	if v.entries() == 0 || v.typ == doubleType {
		return s
	}
	least, greatest := v.bounds()
	lo, hi := v.appendEntry(nil, least, false), v.appendEntry(nil, greatest, false)
	if len(lo) <= maxBound && len(hi) <= maxBound {
		s.MinValue, s.MaxValue = lo, hi
	}
	return s
}

// bounds returns the entries of the least and the greatest value.
func (v *values) bounds() (least, greatest uint32) {
	for e := range uint32(v.entries()) {
		if v.compare(e, least) < 0 {
			least = e
		}
		if v.compare(e, greatest) > 0 {
			greatest = e
		}
	}
	return least, greatest
}

// compare compares two entries in Parquet's order: texts by their bytes.
func (v *values) compare(a, b uint32) int {
	if v.typ == stringType {
		return bytes.Compare(v.dict.texts.entry(a), v.dict.texts.entry(b))
	}
	x, y := v.dict.numbers.values[a], v.dict.numbers.values[b]
	switch {
	case x < y:
		return -1
	case x > y:
		return 1
	}
	return 0
}
