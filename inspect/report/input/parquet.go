package input

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

// batchRows is how many rows of a Parquet file are assembled at a time.
const batchRows = 512

// parquetReader reads the wanted columns of a Parquet file.
type parquetReader struct {
	file      *os.File
	groups    []parquet.RowGroup // the row groups not started yet
	columns   []*column
	remaining int64 // rows of the current row group not read yet
	rows      []flowlog.Record
	next      int // index of the next row in rows

	bytesRead   *atomic.Int64
	bytesPerRow float64
	fraction    float64 // of a byte, not yet in bytesRead
}

// openParquet opens a file of flow logs. The reader closes the file.
func openParquet(f *os.File, size int64, fields []string, bytesRead *atomic.Int64) (r *parquetReader, err error) {
	defer recoverDamage(&err)
	p, err := parquet.OpenFile(f, size, parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true), parquet.ReadBufferSize(64<<10))
	if err != nil {
		return nil, fmt.Errorf("damaged or incomplete: %w", err)
	}
	root := p.Root()
	if root.Column("interface_id") == nil && root.Column("srcaddr") == nil || root.Column("bytes") == nil {
		return nil, ErrNoRecords // a table of DNS answers, or another schema
	}
	r = &parquetReader{file: f, groups: p.RowGroups(), bytesRead: bytesRead, bytesPerRow: float64(size) / float64(max(p.NumRows(), 1))}
	in := new(interner)
	for _, name := range fields {
		field := flowlog.Lookup(name)
		c := root.Column(field.Column())
		if c == nil {
			continue // the file is older than the field
		}
		set, err := setterOf(field, c, in)
		if err != nil {
			return nil, err
		}
		if set != nil {
			r.columns = append(r.columns, &column{index: c.Index(), set: set, buf: make([]parquet.Value, 128)})
		}
	}
	return r, nil
}

// recoverDamage turns a panic into an error. parquet-go trusts the lengths and offsets of a file.
func recoverDamage(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("damaged: %v", p)
	}
}

func (r *parquetReader) Read(to *flowlog.Record) error {
	for r.next == len(r.rows) {
		if err := r.fill(); err != nil {
			return err
		}
	}
	*to = r.rows[r.next]
	r.next++
	return nil
}

// fill reads the next batch.
func (r *parquetReader) fill() (err error) {
	defer recoverDamage(&err)
	for r.remaining == 0 {
		if len(r.groups) == 0 {
			return io.EOF
		}
		if err := r.openGroup(); err != nil {
			return err
		}
	}
	n := int(min(r.remaining, batchRows))
	r.rows = slices.Grow(r.rows[:0], batchRows)[:n]
	for i := range r.rows {
		r.rows[i] = flowlog.Record{Completeness: math.NaN()}
	}
	r.next = n // return no row of the batch if a column fails
	for _, c := range r.columns {
		if err := c.fill(r.rows); err != nil {
			return err
		}
	}
	r.next, r.remaining = 0, r.remaining-int64(n)
	bytes := r.fraction + r.bytesPerRow*float64(n)
	r.bytesRead.Add(int64(bytes))
	r.fraction = bytes - math.Floor(bytes)
	return nil
}

// openGroup starts the next row group.
func (r *parquetReader) openGroup() error {
	group := r.groups[0]
	r.groups, r.remaining = r.groups[1:], group.NumRows()
	chunks := group.ColumnChunks()
	for _, c := range r.columns {
		if err := c.close(); err != nil {
			return err
		}
		c.pages = chunks[c.index].Pages()
	}
	return nil
}

func (r *parquetReader) Close() error {
	var all []error
	for _, c := range r.columns {
		all = append(all, c.close())
	}
	return errors.Join(append(all, r.file.Close())...)
}
