package spec

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"
)

var update = flag.Bool("update", false, "write the errors that come out into testdata/sessions/specs")

// eachSpec calls f with each spec of testdata/sessions/specs, all of which have mistakes, and with the file of the expected errors.
func eachSpec(tb testing.TB, f func(name string, text []byte, want *txtar.File)) {
	paths, err := filepath.Glob("../../testdata/sessions/specs/*.txtar")
	require.NoError(tb, err)
	require.NotEmpty(tb, paths)
	for _, path := range paths {
		archive, err := txtar.ParseFile(path)
		require.NoError(tb, err)
		files := archive.Files
		require.Zero(tb, len(files)%2, path)
		for i := 0; i < len(files); i += 2 {
			name := strings.TrimSuffix(files[i].Name, ".yaml")
			require.Equal(tb, name+".want", files[i+1].Name, path)
			f(strings.TrimSuffix(filepath.Base(path), ".txtar")+"/"+name, files[i].Data, &files[i+1])
		}
		if *update {
			require.NoError(tb, os.WriteFile(path, txtar.Format(archive), 0o644))
		}
	}
}

func TestRefusedSpecs(t *testing.T) {
	eachSpec(t, func(name string, text []byte, want *txtar.File) {
		spec, err := Parse("s.yaml", text)
		require.Error(t, err, name)
		require.Nil(t, spec, name)
		got := err.Error() + "\n"
		if *update {
			want.Data = []byte(got)
		}
		assert.Equal(t, string(want.Data), got, name)
		_, err = Parse("s.yaml", bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n")))
		assert.EqualError(t, err, strings.TrimSuffix(got, "\n"), "%s, from Windows", name)
	})
}
