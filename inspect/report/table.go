package report

// Unit selects how a column's values are shown. In JSON and CSV numbers are plain, and times are RFC 3339.
type Unit uint8

// Units of columns.
const (
	Text   Unit = iota // string
	Digits             // string that holds a number or nothing: a port
	Count              // int64
	Bytes              // int64
	Time               // int64, Unix seconds
)

func (u Unit) isText() bool { return u == Text || u == Digits }

// Column is a column of a table.
type Column struct {
	Name string // as in filter expressions, if it is a field of Schema
	Unit Unit
	Wide bool // shown in the formats wide, json and csv only
}

// Cell is a value: Text for the units that are strings, else Num.
type Cell struct {
	Text string
	Num  int64
}

// Table is the result of a query.
type Table struct {
	Columns []Column
	Rows    [][]Cell // each as long as Columns
	Total   []Cell   // of all rows, including those left out, with empty texts; nil if there is no total
	Left    uint64   // the number of rows left out
	Notes   []string // remarks on the completeness of the answer
}

// Cut leaves out the rows behind the first n; 0 keeps all.
func (t *Table) Cut(n int) {
	if n > 0 && len(t.Rows) > n {
		t.Left += uint64(len(t.Rows) - n)
		t.Rows = t.Rows[:n]
	}
}

func textCell(s string) Cell  { return Cell{Text: s} }
func numberCell(n int64) Cell { return Cell{Num: n} }
