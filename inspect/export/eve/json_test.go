package eve

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestStrings(t *testing.T) {
	for in, want := range map[string]string{
		"":                 `""`,
		"example.com":      `"example.com"`,
		`a"b\c/d`:          `"a\"b\\c/d"`,
		"\b\t\n\f\r":       `"\b\t\n\f\r"`,
		"\x00\x1f\x7f":     "\"\\u0000\\u001f\x7f\"",
		"münchen 東京 😀":     `"münchen 東京 😀"`,
		"\u2028\ufeff":     "\"\u2028\ufeff\"",
		"m\xfcnchen":       `"m\\xfcnchen"`,
		"ü\xff":            `"\\xc3\\xbc\\xff"`, // one invalid byte: no byte of the text is taken for UTF-8
		"\xed\xa0\x80":     `"\\xed\\xa0\\x80"`, // a surrogate half
		"\xf4\x90\x80\x80": `"\\xf4\\x90\\x80\\x80"`,
		"\xe2\x82":         `"\\xe2\\x82"`,
	} {
		assert.Equal(t, want, string(appendString(nil, []byte(in))), "%q", in)
	}
}

func TestEveryStringIsReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		checkString(t, rapid.OneOf(rapid.SliceOf(rapid.Byte()), rapid.Map(rapid.String(), func(s string) []byte { return []byte(s) })).Draw(t, "text"))
	})
}

// TestPlainPrefix compares the check of eight bytes at a time with that of one.
func TestPlainPrefix(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		plain := rapid.SliceOfN(rapid.Byte().Filter(plainByte), 0, 40).Draw(t, "plain")
		rest := rapid.SliceOfN(rapid.Byte(), 0, 10).Draw(t, "rest")
		if len(rest) > 0 && plainByte(rest[0]) {
			rest[0] = '"'
		}
		require.Equal(t, len(plain), plainPrefix(append(plain, rest...)))
	})
}

func FuzzString(f *testing.F) {
	for _, seed := range []string{"", "example.com", "m\xfcnchen", "\"\\\x00\n", "東京\xff", "\xf0\x9f\x98"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) { checkString(t, text) })
}

// checkString checks that the string is valid JSON in valid UTF-8 on one line, and that a JSON reader returns the text, with the bytes
// of text that is not UTF-8 escaped.
func checkString(t require.TestingT, text []byte) {
	prefix := []byte("kept")
	got := appendString(prefix, text)
	require.Equal(t, prefix, got[:len(prefix)])
	got = got[len(prefix):]
	require.True(t, utf8.Valid(got), "%q", got)
	require.False(t, bytes.ContainsAny(got, "\n\r"), "%q", got)
	var read string
	require.NoError(t, json.Unmarshal(got, &read), "%q", got)
	require.Equal(t, spelledOut(text), read)
}

func spelledOut(text []byte) string {
	if utf8.Valid(text) {
		return string(text)
	}
	var b bytes.Buffer
	for _, c := range text {
		if c < utf8.RuneSelf {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, `\x%02x`, c)
		}
	}
	return b.String()
}

// TestFloats: every number of a field of fractions has a decimal point, the whole ones too, and is read back.
func TestFloats(t *testing.T) {
	for v, want := range map[float64]string{0: "0.0", 1: "1.0", 0.5: "0.5", 0.934: "0.934", 12: "12.0"} {
		l := line{}
		l.float("share", v)
		assert.Equal(t, `"share":`+want+`,`, string(l.b))
	}
	rapid.Check(t, func(t *rapid.T) {
		v := float64(rapid.IntRange(0, 1000).Draw(t, "thousandths")) / 1000
		l := line{}
		l.float("", v)
		text := strings.TrimSuffix(string(l.b), ",")
		assert.Contains(t, text, ".")
		got, err := strconv.ParseFloat(text, 64)
		assert.NoError(t, err)
		assert.Equal(t, v, got)
	})
}
