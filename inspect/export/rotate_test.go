package export_test

import (
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/export"
	"github.com/mirrorsink/mirrorsink/inspect/export/eventtest"
	"github.com/mirrorsink/mirrorsink/inspect/export/records"
	"github.com/mirrorsink/mirrorsink/inspect/export/rotate"
	"github.com/mirrorsink/mirrorsink/inspect/flowlog"
)

// rotating returns a file that is rotated at a number of bytes.
func rotating(t *testing.T, path string, bytes int64) *rotate.File {
	t.Helper()
	f, err := rotate.Open(rotate.Config{Path: path, Bytes: bytes, Keep: 1 << 30, Log: quiet})
	require.NoError(t, err)
	return f
}

// texts returns the text of each file of a folder, uncompressed.
func texts(t *testing.T, dir string) (all []string) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	require.NoError(t, err)
	for _, name := range names {
		f, err := os.Open(name)
		require.NoError(t, err)
		var r io.Reader = f
		if strings.HasSuffix(name, ".gz") {
			r, err = gzip.NewReader(f)
			require.NoError(t, err)
		}
		text, err := io.ReadAll(r)
		require.NoError(t, err)
		require.NoError(t, f.Close())
		all = append(all, string(text))
	}
	return all
}

// TestRotatedEventFiles: events of several workers are in the files, each line whole and once.
func TestRotatedEventFiles(t *testing.T) {
	dir := t.TempDir()
	f := rotating(t, filepath.Join(dir, "eve.json"), 100<<10)
	q := newQueue(f, 64<<20)
	const workers, batches = 3, 100
	produce(q, workers, batches)
	_, err := q.Close(t.Context())
	require.NoError(t, err)
	n := 0
	for _, text := range texts(t, dir) {
		for line := range strings.Lines(text) {
			require.True(t, strings.HasPrefix(line, `{"timestamp":`) && strings.HasSuffix(line, "}\n"), line)
			n++
		}
	}
	require.Equal(t, workers*batches*len(eventtest.EveryKind().Events), n)
	require.Greater(t, f.Counts().Rotated, uint64(1))
	require.Equal(t, q.Counts().Produced, q.Counts().Written)
}

// TestRotatedFlowLogs: each file begins with the names of the fields.
func TestRotatedFlowLogs(t *testing.T) {
	dir := t.TempDir()
	format, err := flowlog.Parse("interface-id bytes log-status")
	require.NoError(t, err)
	f := rotating(t, filepath.Join(dir, "flows.log"), 200)
	q := export.NewQueue(export.QueueConfig{
		Kinds: records.Kinds, Output: f, Encoder: &records.Encoder{Format: format, Builder: records.NewBuilder(records.Config{})},
		Bytes: 1, Block: true,
	})
	const batches = 50
	for range batches {
		b, _ := eventtest.Interval()
		q.Events(b)
	}
	_, err = q.Close(t.Context())
	require.NoError(t, err)
	require.Greater(t, f.Counts().Rotated, uint64(5))
	records := 0
	for _, text := range texts(t, dir) {
		lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
		require.Equal(t, "interface-id bytes log-status", lines[0])
		require.NotContains(t, lines[1:], lines[0])
		records += len(lines) - 1
	}
	require.Equal(t, 2*batches, records)
	require.EqualValues(t, batches, q.Counts().Written[event.Interval])
}
