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
	root      *parquet.Column
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
func openParquet(f *os.File, size int64, fields []string, bytesRead *atomic.Int64) (_ Reader, err error) {
	defer recoverDamage(&err)
	p, err := parquet.OpenFile(f, size, parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true), parquet.ReadBufferSize(64<<10))
	if err != nil {
		return nil, fmt.Errorf("damaged or incomplete: %w", err)
	}
	root := p.Root()
	if !hasAny(root, "interface-id", "srcaddr", "pkt-srcaddr") || !hasAny(root, "bytes", "packets") {
		return nil, ErrNoRecords // a table of DNS answers, or another schema
	}
	r := &parquetReader{file: f, root: root, groups: p.RowGroups(), bytesRead: bytesRead, bytesPerRow: float64(size) / float64(max(p.NumRows(), 1))}
	if !r.Has("log-status") {
		fields = with(fields, "packets", "bytes", "srcaddr") // from which it is inferred
	}
	in := new(interner)
	for _, name := range fields {
		field := flowlog.Lookup(name)
		c := columnOf(root, name)
		if c == nil {
			continue // the file is older than the field, or of a format without it
		}
		set, err := setterOf(field, c, in)
		if err != nil {
			return nil, err
		}
		if set != nil {
			r.columns = append(r.columns, &column{index: c.Index(), set: set, buf: make([]parquet.Value, 128)})
		}
	}
	return inferStatus(r), nil
}

// instead are the columns that are read for others which a file does not have.
var instead = map[string]string{"srcaddr": "pkt-srcaddr", "dstaddr": "pkt-dstaddr"}

// columnOf returns the column of a field, or that which is read instead; nil if there is none.
func columnOf(root *parquet.Column, field string) *parquet.Column {
	if c := root.Column(flowlog.Lookup(field).Column()); c != nil {
		return c
	}
	if other, ok := instead[field]; ok {
		return root.Column(flowlog.Lookup(other).Column())
	}
	return nil
}

func hasAny(root *parquet.Column, fields ...string) bool {
	return slices.ContainsFunc(fields, func(f string) bool { return columnOf(root, f) != nil })
}

// with returns fields and some more, each once.
func with(fields []string, more ...string) []string {
	all := slices.Clone(fields)
	for _, f := range more {
		if !slices.Contains(all, f) {
			all = append(all, f)
		}
	}
	return all
}

// Has implements Reader.
func (r *parquetReader) Has(field string) bool { return columnOf(r.root, field) != nil }

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
