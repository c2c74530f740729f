package report

import (
	"cmp"
	"slices"
	"strings"
)

// Unit is how a column's values are shown to people. In JSON and CSV numbers are plain, and times are RFC 3339.
type Unit uint8

// Units of columns.
const (
	Text   Unit = iota // string
	Digits             // string, of a number or "": a port
	Count              // int64
	Bytes              // int64
	Time               // int64, Unix seconds
)

func (u Unit) isText() bool { return u == Text || u == Digits }

// Column is a column of a table.
type Column struct {
	Name string // as --where has it, if that knows it
	Unit Unit
	Wide bool // for the wide output, JSON and CSV only
}

// Cell is a value: Text of the units that are strings, or Num.
type Cell struct {
	Text string
	Num  int64
}

// Table is an answer.
type Table struct {
	Columns []Column
	Rows    [][]Cell // each as long as Columns
	Total   []Cell   // of all rows, those that are left out too; nil: there is none. Texts are empty
	Left    uint64   // rows that were left out
	Notes   []string // what a reader has to know
}

func text(s string) Cell  { return Cell{Text: s} }
func number(n int64) Cell { return Cell{Num: n} }

// measure is a column that comes of a sum.
type measure struct {
	Column
	of func(*sum) int64
}

var (
	flows     = measure{Column{Name: "flows", Unit: Count}, func(s *sum) int64 { return s.flows }}
	packets   = measure{Column{Name: "packets", Unit: Count}, func(s *sum) int64 { return s.packets }}
	bytesOf   = measure{Column{Name: "bytes", Unit: Bytes}, func(s *sum) int64 { return s.bytes }}
	firstSeen = measure{Column{Name: "first_seen", Unit: Time}, func(s *sum) int64 { return s.first }}
	lastSeen  = measure{Column{Name: "last_seen", Unit: Time}, func(s *sum) int64 { return s.last }}
)

func wide(m measure) measure {
	m.Wide = true
	return m
}

func otherNamed(name string) measure {
	return measure{Column{Name: name, Unit: Count}, func(s *sum) int64 { return s.other }}
}

// ranking keeps the best n of the groups that it is shown: those with most of a measure, and of equal ones those whose parts
// come first.
type ranking struct {
	n    int // 0: all
	by   func(*sum) int64
	rows []ranked
	left uint64
}

type ranked struct {
	parts []string
	sum   sum
}

func (r *ranking) add(key []byte, s *sum) {
	r.rows = append(r.rows, ranked{parts(key), *s})
	if r.n > 0 && len(r.rows) >= 2*r.n+1000 {
		r.cut()
	}
}

// cut sorts, and keeps the best.
func (r *ranking) cut() {
	slices.SortFunc(r.rows, func(a, b ranked) int {
		return cmp.Or(cmp.Compare(r.by(&b.sum), r.by(&a.sum)), slices.CompareFunc(a.parts, b.parts, strings.Compare))
	})
	if r.n > 0 && len(r.rows) > r.n {
		r.left += uint64(len(r.rows) - r.n)
		clear(r.rows[r.n:])
		r.rows = r.rows[:r.n]
	}
}
