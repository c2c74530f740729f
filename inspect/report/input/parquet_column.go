package input

import (
	"errors"
	"io"

	"github.com/parquet-go/parquet-go"

	"github.com/mirrorsink/mirrorsink/inspect/flowlog"
)

// column reads one column of the current row group.
type column struct {
	index  int // among the leaf columns
	set    setter
	pages  parquet.Pages
	page   parquet.Page
	values parquet.ValueReader // of page
	buf    []parquet.Value
}

// fill sets the column's field in rows.
func (c *column) fill(rows []flowlog.Record) error {
	for len(rows) > 0 {
		if c.values == nil {
			page, err := c.pages.ReadPage()
			if err != nil {
				return unexpectedEOF(err)
			}
			c.page, c.values = page, page.Values()
		}
		n, err := c.values.ReadValues(c.buf[:min(len(rows), len(c.buf))])
		for i, v := range c.buf[:n] {
			if !v.IsNull() {
				c.set(&rows[i], v)
			}
		}
		rows = rows[n:]
		switch {
		case errors.Is(err, io.EOF):
			c.releasePage()
		case err != nil:
			return err
		case n == 0:
			return io.ErrNoProgress
		}
	}
	return nil
}

// unexpectedEOF replaces io.EOF where rows are missing.
func unexpectedEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

func (c *column) releasePage() {
	if c.page != nil {
		parquet.Release(c.page)
	}
	c.page, c.values = nil, nil
}

func (c *column) close() error {
	c.releasePage()
	if c.pages == nil {
		return nil
	}
	return c.pages.Close()
}
