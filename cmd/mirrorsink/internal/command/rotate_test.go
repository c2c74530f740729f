package command

import (
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestReplayRotates: the lines of files that were rotated, and of the last one, are those of a single file, and report reads them all.
func TestReplayRotates(t *testing.T) {
	captures := make([]string, 30)
	for i := range captures {
		captures[i] = testdata("plain-http.pcap")
	}
	whole, dir := filepath.Join(t.TempDir(), "eve.json"), t.TempDir()
	args := append([]string{"replay", "--workers=1", "--eve=" + whole}, captures...)
	require.Equal(t, exitOK, runHere(t, args...).code)
	args = append([]string{"replay", "--workers=1", "--eve=" + filepath.Join(dir, "eve.json"), "--eve-rotate=1MiB", "--eve-keep=4MiB"}, captures...)
	r := runHere(t, args...)
	require.Equal(t, exitOK, r.code, r.stderr)

	names, err := filepath.Glob(filepath.Join(dir, "eve*"))
	require.NoError(t, err)
	require.Greater(t, len(names), 1)
	var text strings.Builder
	for _, name := range names { // the names with a time come first
		f, err := os.Open(name)
		require.NoError(t, err)
		var in io.Reader = f
		if strings.HasSuffix(name, ".gz") {
			in, err = gzip.NewReader(f)
			require.NoError(t, err)
		}
		_, err = io.Copy(&text, in)
		require.NoError(t, err)
		require.NoError(t, f.Close())
	}
	want, err := os.ReadFile(whole)
	require.NoError(t, err)
	require.Equal(t, string(want), text.String())
	one, all := runHere(t, "report", "top", whole), runHere(t, "report", "top", dir)
	require.Equal(t, exitOK, one.code, one.stderr)
	assert.Equal(t, one.stdout, all.stdout)
}
