// Package inputtest encodes flow records in the formats that package input reads, for tests.
package inputtest

import (
	"bytes"
	"compress/gzip"
	"os"
	"strings"
	"sync"

	"github.com/parquet-go/parquet-go"

	"github.com/mirrorsink/mirrorsink/inspect/flowlog"
)

// T is the part of testing.TB and rapid.T that this package needs.
type T interface {
	Helper()
	Fatal(args ...any)
}

func noError(t T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Lines encodes records as flow log lines with all fields and a header.
func Lines(all []flowlog.Record) []byte {
	format := flowlog.All()
	b := format.AppendHeader(nil)
	for i := range all {
		b = format.AppendText(b, &all[i])
	}
	return b
}

// Gzip compresses data.
func Gzip(t T, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := z.Write(data)
	noError(t, err)
	noError(t, z.Close())
	return b.Bytes()
}

// SmallPages are options of Parquet for row groups of few rows, with several pages in each.
var SmallPages = []parquet.WriterOption{parquet.MaxRowsPerRowGroup(100), parquet.PageBufferSize(512)}

// schema has AWS's columns and this program's.
var schema = sync.OnceValue(func() *parquet.Schema {
	group := parquet.Group{}
	for i := range flowlog.Fields {
		f := &flowlog.Fields[i]
		group[f.Column()] = parquet.Optional(map[flowlog.Type]parquet.Node{
			flowlog.String: parquet.String(), flowlog.Int32: parquet.Int(32), flowlog.Int64: parquet.Int(64),
			flowlog.Boolean: parquet.Leaf(parquet.BooleanType), flowlog.Double: parquet.Leaf(parquet.DoubleType),
		}[f.Type])
	}
	return parquet.NewSchema("record", group)
})

// Parquet encodes records as Parquet. It compresses with Snappy, if the options say nothing else: an encoder of Zstandard is large, and
// the race detector has the library make many.
func Parquet(t T, all []flowlog.Record, options ...parquet.WriterOption) []byte {
	t.Helper()
	var b bytes.Buffer
	columns := schema().Columns()
	w := parquet.NewWriter(&b, append([]parquet.WriterOption{schema(), parquet.Compression(&parquet.Snappy)}, options...)...)
	for i := range all {
		var row parquet.Row
		for at, path := range columns {
			field := flowlog.Lookup(strings.ReplaceAll(path[0], "_", "-"))
			if v := valueOf(field, &all[i]); v.IsNull() {
				row = append(row, v.Level(0, 0, at))
			} else {
				row = append(row, v.Level(0, 1, at))
			}
		}
		_, err := w.WriteRows([]parquet.Row{row})
		noError(t, err)
	}
	noError(t, w.Close())
	return b.Bytes()
}

func valueOf(f *flowlog.Field, r *flowlog.Record) parquet.Value {
	switch f.Type {
	case flowlog.Int32, flowlog.Int64:
		if ints := f.Ints(); ints != nil {
			if n, known := ints(r); known && f.Type == flowlog.Int32 {
				return parquet.Int32Value(int32(n))
			} else if known {
				return parquet.Int64Value(n)
			}
		}
	case flowlog.Boolean:
		if v, known := f.Bool(r); known {
			return parquet.BooleanValue(v)
		}
	case flowlog.Double:
		if v, known := f.Float(r); known {
			return parquet.DoubleValue(v)
		}
	case flowlog.String:
		if text := f.AppendValue(nil, r); len(text) > 0 {
			return parquet.ByteArrayValue(text)
		}
	}
	return parquet.NullValue()
}

// File writes a new file in a folder, and returns its name.
func File(t T, dir string, data []byte) string {
	t.Helper()
	f, err := os.CreateTemp(dir, "*.data")
	noError(t, err)
	_, err = f.Write(data)
	noError(t, err)
	noError(t, f.Close())
	return f.Name()
}
