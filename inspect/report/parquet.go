package report

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"sync/atomic"

	"github.com/parquet-go/parquet-go"

	"github.com/mirrorsink/mirrorsink/inspect/flowlog"
)

// batchRows is how many rows of a Parquet file are put together at a time.
const batchRows = 512

// parquetReader reads those columns of a Parquet file that are needed.
type parquetReader struct {
	file    *os.File
	groups  []parquet.RowGroup // those that are not read yet
	columns []*column
	left    int64 // rows of the current row group that are not read yet
	rows    []row
	at      int // of rows, the next one
	done    *atomic.Int64
	perRow  float64 // bytes of the file
	partly  float64 // of a byte, not in done yet
}

// openParquet begins to read a file of flow logs, which the reader closes.
func openParquet(f *os.File, size int64, needs []string, done *atomic.Int64) (r *parquetReader, err error) {
	defer damaged(&err)
	p, err := parquet.OpenFile(f, size, parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true), parquet.ReadBufferSize(64<<10))
	if err != nil {
		return nil, fmt.Errorf("damaged, or not there to its end: %w", err)
	}
	root := p.Root()
	if root.Column("interface_id") == nil && root.Column("srcaddr") == nil || root.Column("bytes") == nil {
		return nil, errForeign // a table of DNS answers, another schema
	}
	r = &parquetReader{file: f, groups: p.RowGroups(), done: done, perRow: float64(size) / float64(max(p.NumRows(), 1))}
	in := new(interned)
	for _, name := range needs {
		field := flowlog.Lookup(name)
		c := root.Column(field.Column())
		if c == nil {
			continue // an older file
		}
		set, err := setter(field, c, in)
		if err != nil {
			return nil, err
		}
		if set != nil {
			r.columns = append(r.columns, &column{leaf: c.Index(), set: set, values: make([]parquet.Value, 128)})
		}
	}
	return r, nil
}

// damaged makes an error of a panic: parquet-go trusts what files say of themselves.
func damaged(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("damaged: %v", p)
	}
}

func (r *parquetReader) read(to *row) error {
	for r.at == len(r.rows) {
		if err := r.fill(); err != nil {
			return err
		}
	}
	*to = r.rows[r.at]
	r.at++
	return nil
}

// fill reads the next batch.
func (r *parquetReader) fill() (err error) {
	defer damaged(&err)
	for r.left == 0 {
		if len(r.groups) == 0 {
			return io.EOF
		}
		if err := r.next(); err != nil {
			return err
		}
	}
	n := int(min(r.left, batchRows))
	r.rows = slices.Grow(r.rows[:0], batchRows)[:n]
	for i := range r.rows {
		r.rows[i] = row{}
		r.rows[i].Completeness = math.NaN()
	}
	r.at = n // nothing, if a column fails
	for _, c := range r.columns {
		if err := c.fill(r.rows); err != nil {
			return err
		}
	}
	r.at, r.left = 0, r.left-int64(n)
	bytes := r.partly + r.perRow*float64(n)
	r.done.Add(int64(bytes))
	r.partly = bytes - math.Floor(bytes)
	return nil
}

// next goes on to the next row group.
func (r *parquetReader) next() error {
	group := r.groups[0]
	r.groups, r.left = r.groups[1:], group.NumRows()
	chunks := group.ColumnChunks()
	for _, c := range r.columns {
		if err := c.close(); err != nil {
			return err
		}
		c.pages = chunks[c.leaf].Pages()
	}
	return nil
}

func (r *parquetReader) close() error {
	var all []error
	for _, c := range r.columns {
		all = append(all, c.close())
	}
	return errors.Join(append(all, r.file.Close())...)
}

// column reads one column of the current row group.
type column struct {
	leaf   int
	set    func(r *row, v parquet.Value)
	pages  parquet.Pages
	page   parquet.Page
	in     parquet.ValueReader // of the page
	values []parquet.Value
}

// fill sets the column's field in rows.
func (c *column) fill(rows []row) error {
	for len(rows) > 0 {
		if c.in == nil {
			page, err := c.pages.ReadPage()
			if err != nil {
				return noEnd(err)
			}
			c.page, c.in = page, page.Values()
		}
		n, err := c.in.ReadValues(c.values[:min(len(rows), len(c.values))])
		for i, v := range c.values[:n] {
			if !v.IsNull() {
				c.set(&rows[i], v)
			}
		}
		rows = rows[n:]
		switch {
		case errors.Is(err, io.EOF):
			c.endPage()
		case err != nil:
			return err
		case n == 0:
			return io.ErrNoProgress
		}
	}
	return nil
}

// noEnd makes an error of an end that comes before all rows are there.
func noEnd(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

func (c *column) endPage() {
	if c.page != nil {
		parquet.Release(c.page)
	}
	c.page, c.in = nil, nil
}

func (c *column) close() error {
	c.endPage()
	if c.pages == nil {
		return nil
	}
	return c.pages.Close()
}
