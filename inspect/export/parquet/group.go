package parquet

import "github.com/parquet-go/parquet-go/format"

// rowGroup gathers rows until they are written into a file together, column by column.
type rowGroup struct {
	columns []values
	rows    int
	events  kindCounts // those whose last row is in the group
}

func newRowGroup(l *layout) *rowGroup {
	g := &rowGroup{columns: make([]values, len(l.columns))}
	for i := range g.columns {
		g.columns[i].typ = l.columns[i].typ
	}
	return g
}

// footprint returns the bytes of memory that the group occupies, used or not.
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

// write writes the rows, sorted by column l.sorted. The sort is stable.
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
