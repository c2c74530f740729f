package input_test

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/mirrorsink/mirrorsink/inspect/report/input"
)

// TestList: named files are listed whatever their names, in the order given; a folder's files by name, without hidden and
// temporary ones; what does not exist is a failure.
func TestList(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, name := range []string{"flows/b.log", "flows/a.log", "flows/sub/c.log", "flows/.hidden", "flows/_temporary/d.log", "flows/e.tmp", ".named", "flows/f.log.gz"} {
		require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o755))
		require.NoError(t, os.WriteFile(name, []byte(name), 0o644))
	}
	require.NoError(t, os.Symlink("b.log", "flows/link.log"))
	files, failures := input.List([]string{"-", ".named", "flows", "missing"})
	assert.Equal(t, []input.File{
		{Name: "-"}, {Name: ".named", Size: 6}, {"flows/a.log", 11, true}, {"flows/b.log", 11, true}, {"flows/f.log.gz", 14, true}, {"flows/sub/c.log", 15, true},
	}, files)
	require.Len(t, failures, 1)
	require.ErrorIs(t, failures[0], os.ErrNotExist)
}

// TestListFindsEveryFile: a folder lists exactly those of its files on whose way no name is hidden or temporary.
func TestListFindsEveryFile(t *testing.T) {
	root := t.TempDir()
	n := 0
	rapid.Check(t, func(t *rapid.T) {
		n++
		folder := filepath.Join(root, strconv.Itoa(n))
		part := rapid.SampledFrom([]string{"a", "b", ".c", "_d", "e.tmp", "f.log"})
		var want []string
		for range rapid.IntRange(0, 6).Draw(t, "files") {
			parts := rapid.SliceOfN(part, 1, 3).Draw(t, "path")
			name := filepath.Join(append([]string{folder}, parts...)...)
			if os.MkdirAll(filepath.Dir(name), 0o755) != nil || os.WriteFile(name, nil, 0o644) != nil {
				continue // the path is a file or a folder already
			}
			if !slices.ContainsFunc(parts, func(p string) bool { return p[0] == '.' || p[0] == '_' || p == "e.tmp" }) {
				want = append(want, name)
			}
		}
		require.NoError(t, os.MkdirAll(folder, 0o755))
		files, failures := input.List([]string{folder})
		require.Empty(t, failures)
		var got []string
		for _, f := range files {
			require.True(t, f.FromFolder)
			got = append(got, f.Name)
		}
		slices.Sort(want)
		slices.Sort(got)
		require.Equal(t, slices.Compact(want), got)
	})
}
