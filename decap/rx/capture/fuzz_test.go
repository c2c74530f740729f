package capture

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/decap"
)

// FuzzCapture reads anything as a capture, as a mapped file and as a stream. Both give the same frames and the same
// verdict, every frame is within the data, and the stream's buffer stays in proportion to what has come.
func FuzzCapture(f *testing.F) {
	for _, content := range allFormats() {
		f.Add(content)
		f.Add(compress(f, content))
		f.Add(content[:len(content)-3])
	}
	for _, name := range testCaptures(f) {
		if content, err := os.ReadFile(name); err == nil && len(content) < 64<<10 {
			f.Add(content)
		}
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		stream, err := NewReader(bytes.NewReader(content), "fuzz")
		if hasGzipMagic(content) {
			if err == nil {
				readSome(t, stream)
			}
			return
		}
		mapped := &Reader{name: "fuzz", in: window{buf: content}}
		require.Equal(t, problemOf(mapped.detect()), problemOf(err))
		if err != nil {
			return
		}
		want, wantErr := readAll(t, mapped)
		got, err := readAll(t, stream)
		require.Equal(t, want, got)
		require.Equal(t, problemOf(wantErr), problemOf(err))
		sum := 0
		for _, frame := range got {
			sum += len(frame.Data)
		}
		require.LessOrEqual(t, sum, len(content))
		require.LessOrEqual(t, cap(stream.in.buf), max(windowLen, 4*len(content)))
	})
}

// readSome reads no more than some batches: what few bytes stand for when compressed has no bound.
func readSome(t *testing.T, c *Reader) {
	var b decap.Batch
	for range 1000 {
		if c.Read(&b) != nil {
			return
		}
	}
	require.LessOrEqual(t, cap(c.in.buf), 4*maxBlock)
}

// testCaptures returns the project's own captures.
func testCaptures(tb testing.TB) []string {
	tb.Helper()
	var names []string
	for _, pattern := range []string{"*.pcap", "*.pcapng", "*.gz"} {
		found, err := filepath.Glob(filepath.Join(moduleDir(tb), "testdata", pattern))
		require.NoError(tb, err)
		names = append(names, found...)
	}
	return names
}

// moduleDir returns the directory that go.mod is in.
func moduleDir(tb testing.TB) string {
	tb.Helper()
	dir, err := os.Getwd()
	require.NoError(tb, err)
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		require.NotEqual(tb, dir, filepath.Dir(dir), "no go.mod above the test")
		dir = filepath.Dir(dir)
	}
}
