package report

import "slices"

// groupBy evaluates a query whose answer is a table of sums by key.
type groupBy struct {
	columns  []keyColumn
	keep     func(*row) bool // nil keeps all records
	measures []measure
	orderBy  measure // descending
	limit    int     // rows; 0 is all
	see      func(row []Cell)
	isOther  func(*row) bool
	show     func(*sum) bool // nil shows all groups
	reads    []string        // the fields that keep and isOther read
	noTotal  bool
	counting counting        // 0 is perConnection
	notes    []func() string // remarks on the answer, made after all records; "" is none

	*aggregator
}

// key appends the parts of a record's key.
func (g *groupBy) key(key []byte, r *row) ([]byte, bool) {
	if g.keep != nil && !g.keep(r) {
		return key, false
	}
	for i := range g.columns {
		key = appendPart(key, g.columns[i].value(r))
	}
	return key, true
}

// open makes the aggregator. The keys of plots follow that of the table.
func (g *groupBy) open(l limits, plots ...keyFunc) {
	g.aggregator = newAggregator(l, max(g.counting, perConnection), append([]keyFunc{g.key}, plots...)...)
	g.aggregator.isOther = g.isOther
}

func (g *groupBy) fields() []string {
	all := slices.Concat(g.reads, commonFields)
	for _, c := range g.columns {
		all = append(all, c.fields...)
	}
	return all
}

// commonFields are the fields that every query reads: counts, times, and what duplicates are found by.
var commonFields = []string{
	"log-status", "packets", "bytes", "start", "end", "interface-id", "x-vni", "x-paired", "flow-direction", "protocol", "x-initiator",
	"srcaddr", "dstaddr", "pkt-srcaddr", "pkt-dstaddr", "srcport", "dstport",
}

func (g *groupBy) tableColumns() (all []Column) {
	for _, c := range g.columns {
		all = append(all, c.Column)
	}
	for _, m := range g.measures {
		all = append(all, m.Column)
	}
	return all
}

func (g *groupBy) keepRows(limit int, see func(row []Cell)) { g.limit, g.see = limit, see }

func (g *groupBy) table() (*Table, error) {
	t := &Table{Columns: g.tableColumns()}
	top := ranking{limit: g.limit, by: g.orderBy.of}
	var cells []Cell
	err := g.groupings[0].groups.each(func(key []byte, s *sum) {
		if g.show != nil && !g.show(s) {
			return
		}
		if g.see != nil {
			cells = g.cells(cells[:0], splitKey(key), s)
			g.see(cells)
		}
		top.add(key, s)
	})
	if err != nil {
		return nil, err
	}
	t.Left = top.finish()
	for _, r := range top.rows {
		t.Rows = append(t.Rows, g.cells(nil, r.parts, &r.sum))
	}
	for _, note := range g.notes {
		if text := note(); text != "" {
			t.Notes = append(t.Notes, text)
		}
	}
	if !g.noTotal && len(t.Rows) > 0 {
		t.Total = g.cells(nil, make([]string, len(g.columns)), &g.total)
	}
	return t, nil
}

// cells appends a row.
func (g *groupBy) cells(cells []Cell, parts []string, s *sum) []Cell {
	for _, p := range parts {
		cells = append(cells, textCell(p))
	}
	for _, m := range g.measures {
		cells = append(cells, numberCell(m.of(s)))
	}
	return cells
}
