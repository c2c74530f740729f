package spec

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"

	"github.com/mirrorsink/mirrorsink/inspect/strictyaml"
)

// FuzzParseSpec: every error has one line and a position within the text, and parsing is deterministic.
func FuzzParseSpec(f *testing.F) {
	f.Add(documented(f))
	for _, c := range goodSpecs {
		f.Add([]byte(c.text))
	}
	eachSpec(f, func(_ string, text []byte, _ *txtar.File) { f.Add(text) })
	f.Fuzz(func(t *testing.T, text []byte) {
		spec, err := Parse("s", text)
		if err != nil {
			require.Nil(t, spec)
			checkPlaces(t, err, string(text))
			return
		}
		again, err := Parse("s", text)
		require.NoError(t, err)
		require.Equal(t, spec, again)
	})
}

func checkPlaces(t *testing.T, err error, text string) {
	joined, ok := err.(interface{ Unwrap() []error })
	require.True(t, ok, "%v", err)
	require.NotEmpty(t, joined.Unwrap())
	require.LessOrEqual(t, len(joined.Unwrap()), 20)
	lines := strings.Split(text, "\n")
	for _, err := range joined.Unwrap() {
		var e *strictyaml.Error
		require.True(t, errors.As(err, &e), "%v", err)
		require.NotContains(t, e.Text, "\n")
		require.GreaterOrEqual(t, e.At.Line, 1, "%v", e)
		require.LessOrEqual(t, e.At.Line, len(lines), "%v", e)
		require.GreaterOrEqual(t, e.At.Column, 1, "%v", e)
		require.LessOrEqual(t, e.At.Column, utf8.RuneCountInString(lines[e.At.Line-1])+1, "%v", e)
	}
}
