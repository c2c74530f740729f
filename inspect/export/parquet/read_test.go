package parquet_test

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	pq "github.com/parquet-go/parquet-go"
	"github.com/stretchr/testify/require"
)

// parquetRow has a row's values by the names of their columns. Null is nil.
type parquetRow map[string]any

// readParquet reads a file with the library, which shares no code with our writer.
func readParquet(t testing.TB, path string) (rows []parquetRow, file *pq.File) {
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	file, err = pq.OpenFile(bytes.NewReader(data), int64(len(data)))
	require.NoError(t, err)
	for _, group := range file.RowGroups() {
		rows = append(rows, readGroup(t, group)...)
	}
	return rows, file
}

func readGroup(t testing.TB, group pq.RowGroup) (rows []parquetRow) {
	var names []string
	for _, path := range group.Schema().Columns() {
		names = append(names, strings.Join(path, "."))
	}
	r := group.Rows()
	defer r.Close()
	buf := make([]pq.Row, 100)
	for {
		n, err := r.ReadRows(buf)
		for _, row := range buf[:n] {
			out := make(parquetRow, len(names))
			for i, v := range row {
				out[names[i]] = goValue(v)
			}
			rows = append(rows, out)
		}
		if errors.Is(err, io.EOF) {
			return rows
		}
		require.NoError(t, err)
	}
}

func goValue(v pq.Value) any {
	switch {
	case v.IsNull():
		return nil
	case v.Kind() == pq.Boolean:
		return v.Boolean()
	case v.Kind() == pq.Int32:
		return int64(v.Int32())
	case v.Kind() == pq.Int64:
		return v.Int64()
	case v.Kind() == pq.Double:
		return v.Double()
	default:
		return string(v.ByteArray())
	}
}

// finished returns the keys of the finished files in a folder, in order.
func finished(t testing.TB, dir string) (keys []string) {
	require.NoError(t, filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.HasSuffix(name, ".parquet") {
			key, _ := filepath.Rel(dir, name)
			keys = append(keys, filepath.ToSlash(key))
		}
		return err
	}))
	return keys
}

// unfinished returns the unfinished files in a folder.
func unfinished(t *testing.T, dir string) []string {
	names, err := filepath.Glob(filepath.Join(dir, ".mirrorsink-*.parquet.tmp"))
	require.NoError(t, err)
	return names
}
