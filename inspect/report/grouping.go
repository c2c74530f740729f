package report

import "slices"

// grouping is a question whose answer is a table of sums by key.
type grouping struct {
	dims     []dim
	keep     func(*row) bool // nil: all records
	measures []measure
	by       measure // most of it comes first
	n        int     // rows; 0 is all
	second   func(*row) bool
	only     func(*sum) bool // groups that are shown; nil: all
	reads    []string        // fields that keep and second read
	noTotal  bool
	counting counting // 0 is once

	*sheet
}

// dim is one part of a key: a column.
type dim struct {
	Column
	reads []string
	of    func(*row) string
}

// key appends the parts of a record's key.
func (g *grouping) key(key []byte, r *row) ([]byte, bool) {
	if g.keep != nil && !g.keep(r) {
		return key, false
	}
	for i := range g.dims {
		key = appendPart(key, g.dims[i].of(r))
	}
	return key, true
}

// open makes the sheet, with the keys of plots behind that of the table.
func (g *grouping) open(l limits, plots ...keyFunc) {
	g.sheet = newSheet(l, max(g.counting, once), append([]keyFunc{g.key}, plots...)...)
	g.sheet.second = g.second
}

func (g *grouping) needs() []string {
	all := slices.Concat(g.reads, alwaysRead)
	for _, d := range g.dims {
		all = append(all, d.reads...)
	}
	return all
}

// alwaysRead is what every report reads: the counts and times, and what twins are found by.
var alwaysRead = []string{
	"log-status", "packets", "bytes", "start", "end", "interface-id", "x-vni", "x-paired", "flow-direction", "protocol", "x-initiator",
	"srcaddr", "dstaddr", "pkt-srcaddr", "pkt-dstaddr", "srcport", "dstport",
}

func (g *grouping) answer() (*Table, error) {
	t := &Table{}
	for _, d := range g.dims {
		t.Columns = append(t.Columns, d.Column)
	}
	for _, m := range g.measures {
		t.Columns = append(t.Columns, m.Column)
	}
	best := ranking{n: g.n, by: g.by.of}
	err := g.tallies[0].groups.each(func(key []byte, s *sum) {
		if g.only == nil || g.only(s) {
			best.add(key, s)
		}
	})
	if err != nil {
		return nil, err
	}
	best.cut()
	t.Left = best.left
	for _, r := range best.rows {
		t.Rows = append(t.Rows, g.cells(r.parts, &r.sum))
	}
	if !g.noTotal && len(t.Rows) > 0 {
		t.Total = g.cells(make([]string, len(g.dims)), &g.total)
	}
	return t, nil
}

func (g *grouping) cells(parts []string, s *sum) (cells []Cell) {
	for _, p := range parts {
		cells = append(cells, text(p))
	}
	for _, m := range g.measures {
		cells = append(cells, number(m.of(s)))
	}
	return cells
}
