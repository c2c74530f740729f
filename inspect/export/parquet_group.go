package export

import (
	"cmp"
	"slices"

	"github.com/parquet-go/parquet-go/format"
)

// rowGroup is the rows that are gathered until they are written into a file together, column by column.
type rowGroup struct {
	columns []values
	rows    int
	events  kindCounts // whose last row is among them

	order []uint32 // by which column order the rows are written, and what it takes to find it
	ranks []uint32
	count []uint32
	codes []uint32
}

func newRowGroup(l *layout) *rowGroup {
	g := &rowGroup{columns: make([]values, len(l.columns))}
	for i := range g.columns {
		g.columns[i].kind = l.columns[i].kind
	}
	return g
}

// footprint returns the bytes of memory that the group holds, used or not.
func (g *rowGroup) footprint() int {
	n := 4 * (cap(g.order) + cap(g.ranks) + cap(g.count) + cap(g.codes))
	for i := range g.columns {
		n += g.columns[i].footprint()
	}
	return n
}

func (g *rowGroup) reset() {
	g.rows, g.events = 0, kindCounts{}
	for i := range g.columns {
		g.columns[i].reset()
	}
}

// write writes the rows, sorted by column l.sorted; rows that are equal in it stay in the order in which they came.
func (g *rowGroup) write(w *chunkWriter, l *layout) (format.RowGroup, error) {
	out := format.RowGroup{
		NumRows:        int64(g.rows),
		FileOffset:     w.offset,
		SortingColumns: []format.SortingColumn{{ColumnIdx: int32(l.sorted)}},
		Columns:        make([]format.ColumnChunk, 0, len(g.columns)),
	}
	sorted := g.sort(&g.columns[l.sorted])
	for i := range g.columns {
		v := &g.columns[i]
		codes := v.codes
		if !sorted && !v.uniform() {
			codes = g.gather(codes)
		}
		c, err := w.chunk(&l.columns[i], v, codes)
		if err != nil {
			return out, err
		}
		out.TotalByteSize += c.MetaData.TotalUncompressedSize
		out.TotalCompressedSize += c.MetaData.TotalCompressedSize
		out.Columns = append(out.Columns, c)
	}
	return out, nil
}

// sort finds the order of the rows, by counting: many rows share a second. It says whether they are in order already.
func (g *rowGroup) sort(v *values) (already bool) {
	if v.uniform() {
		return true
	}
	g.rank(v)
	if slices.IsSortedFunc(v.codes, func(a, b uint32) int { return cmp.Compare(g.ranks[a], g.ranks[b]) }) {
		return true
	}
	g.count = append(g.count[:0], make([]uint32, len(g.ranks)+1)...)
	for _, c := range v.codes {
		g.count[g.ranks[c]+1]++
	}
	for i := 1; i < len(g.count); i++ {
		g.count[i] += g.count[i-1]
	}
	g.order = append(g.order[:0], v.codes...)
	for row, c := range v.codes {
		at := &g.count[g.ranks[c]]
		g.order[*at] = uint32(row)
		*at++
	}
	return false
}

// rank finds which place each code's value has among all, null being the last one.
func (g *rowGroup) rank(v *values) {
	entries := make([]uint32, v.entries())
	for e := range entries {
		entries[e] = uint32(e)
	}
	slices.SortFunc(entries, v.compare)
	g.ranks = append(g.ranks[:0], make([]uint32, len(entries)+1)...)
	for place, e := range entries {
		g.ranks[e+1] = uint32(place)
	}
	g.ranks[null] = uint32(len(entries))
}

// gather returns a column's codes in the order of the rows. They are valid until the next call.
func (g *rowGroup) gather(codes []uint32) []uint32 {
	g.codes = g.codes[:0]
	for _, row := range g.order {
		g.codes = append(g.codes, codes[row])
	}
	return g.codes
}
