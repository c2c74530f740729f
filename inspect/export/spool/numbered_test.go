package spool

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestAppendFollowsWhatIsThere: a new file comes after those of an earlier process, though its clock was ahead, and has its content whole.
func TestAppendFollowsWhatIsThere(t *testing.T) {
	for name, found := range map[string][]string{
		"nothing":          nil,
		"a later number":   {"09999999999999999990.x", "00000000000000000007.x"},
		"no numbers":       {"b.x", "a.x"},
		"too large for us": {"18446744073709551615.x"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for _, file := range found {
				require.NoError(t, os.WriteFile(filepath.Join(dir, file), []byte("old\n"), 0o600))
			}
			var texts []string
			s, err := Open(Config{
				Dir: dir, Bytes: 1 << 20, Records: CountLines, Numbered: ".x", Strict: true, Parallel: 1, Log: slog.New(slog.DiscardHandler),
				Deliver: func(_ context.Context, f *File) (uint64, error) {
					text, err := f.Read()
					texts = append(texts, string(text))
					return 0, err
				},
			})
			require.NoError(t, err)
			require.NoError(t, s.Append([]byte("first\n"), 1))
			require.NoError(t, s.Append([]byte("second\nthird\n"), 2))
			require.NoError(t, s.Close(t.Context()))
			n := len(found)
			require.Len(t, texts, n+2)
			assert.Equal(t, []string{"first\n", "second\nthird\n"}, texts[n:])
			assert.EqualValues(t, n+3, s.Counts().Delivered.Records)
		})
	}
}

// TestAppendedNumbersGrow: names sort in the order of the calls, after an earlier process whose clock was ahead too.
func TestAppendedNumbersGrow(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "09999999999999999990.x"), nil, 0o600))
	s, err := Open(Config{
		Dir: dir, Bytes: 1 << 20, Numbered: ".x", Strict: true, Parallel: 1, Log: slog.New(slog.DiscardHandler),
		Deliver: func(context.Context, *File) (uint64, error) { return 0, &Failure{Class: Denied, Text: "no"} },
	})
	require.NoError(t, err)
	require.NoError(t, s.Append(nil, 0))
	require.NoError(t, s.Append(nil, 0))
	require.Error(t, s.Close(t.Context()))
	entries, err := filepath.Glob(filepath.Join(dir, "*.x"))
	require.NoError(t, err)
	var names []string
	for _, e := range entries {
		names = append(names, filepath.Base(e))
	}
	assert.Equal(t, []string{"09999999999999999990.x", "09999999999999999991.x", "09999999999999999992.x"}, names)
}
