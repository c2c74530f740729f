package report

import (
	"cmp"
	"slices"
	"strings"
)

// ranking keeps the groups with the largest values of a measure. Groups of equal value are ordered by their parts.
type ranking struct {
	limit int // 0 is all
	by    func(*sum) int64
	rows  []ranked
	left  uint64
}

type ranked struct {
	parts []string
	sum   sum
}

func (r *ranking) add(key []byte, s *sum) {
	r.rows = append(r.rows, ranked{splitKey(key), *s})
	if r.limit > 0 && len(r.rows) >= 2*r.limit+1000 {
		r.trim()
	}
}

// finish sorts the rows, and returns the number of groups left out.
func (r *ranking) finish() (left uint64) {
	r.trim()
	return r.left
}

// trim sorts the rows and drops those beyond the limit.
func (r *ranking) trim() {
	slices.SortFunc(r.rows, func(a, b ranked) int {
		return cmp.Or(cmp.Compare(r.by(&b.sum), r.by(&a.sum)), slices.CompareFunc(a.parts, b.parts, strings.Compare))
	})
	if r.limit > 0 && len(r.rows) > r.limit {
		r.left += uint64(len(r.rows) - r.limit)
		clear(r.rows[r.limit:])
		r.rows = r.rows[:r.limit]
	}
}
