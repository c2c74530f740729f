package export

import (
	"bytes"

	"github.com/parquet-go/parquet-go/format"
)

// maxBound is how long a text may be to be told as a column's least or greatest.
const maxBound = 64

// statistics tells how many values are null, and the least and the greatest of the others if they have an order that all
// readers agree on and are short.
func (v *values) statistics() format.Statistics {
	s := format.Statistics{NullCount: int64(v.nulls)}
	if v.uniform() && v.only == null {
		s.NullCount = int64(v.rows)
	}
	if v.entries() == 0 || v.kind == parquetDouble {
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

// compare orders two entries as Parquet does: texts by their bytes.
func (v *values) compare(a, b uint32) int {
	if v.kind == parquetString {
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
