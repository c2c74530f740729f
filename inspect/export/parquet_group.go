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
}

func newRowGroup(l *layout) *rowGroup {
	g := &rowGroup{columns: make([]values, len(l.columns))}
	for i := range g.columns {
		g.columns[i].kind = l.columns[i].kind
	}
	return g
}

// footprint returns the bytes of memory that the group holds, used or not.
func (g *rowGroup) footprint() (n int) {
	for i := range g.columns {
		n += g.columns[i].footprint()
	}
	return n
}

// size returns the bytes of memory that are used.
func (g *rowGroup) size() (n int) {
	for i := range g.columns {
		n += g.columns[i].size()
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
	sorted := w.order.find(&g.columns[l.sorted])
	for i := range g.columns {
		v := &g.columns[i]
		codes := v.codes
		if !sorted && !v.uniform() {
			codes = w.order.gather(codes)
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

// rowOrder is in which order rows are written. Its memory is used again for each row group.
type rowOrder struct {
	rows  []uint32 // the numbers of the rows, in that order
	ranks []uint32 // of each code, the place of its value among all
	count []uint32
	codes []uint32
}

// find finds the order of the rows, by counting: many rows share a second. It says whether they are in order already.
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

// rank finds which place each code's value has among all, null being the last one.
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
