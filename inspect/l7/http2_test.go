package l7

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	http2hpack "golang.org/x/net/http2/hpack"
	"pgregory.net/rapid"
)

// TestHuffman holds the decoder against x/net's encoder.
func TestHuffman(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.SliceOf(rapid.Byte()).Draw(t, "text")
		got, ok := appendHuffman(nil, http2hpack.AppendHuffmanString(nil, string(want)))
		require.True(t, ok)
		require.Equal(t, string(want), string(got))
	})
}

func TestHuffmanPadding(t *testing.T) {
	for _, bad := range []string{"\x00", "\xff", "\x1f\xff", "\xff\xff\xff\xff"} {
		_, ok := appendHuffman(nil, []byte(bad))
		assert.False(t, ok, "%x", bad)
	}
}

// TestHPACK holds the reader against x/net's encoder, for the first block of a connection: all that it says is read.
func TestHPACK(t *testing.T) {
	field := rapid.Custom(func(t *rapid.T) http2hpack.HeaderField {
		return http2hpack.HeaderField{
			Name:      rapid.SampledFrom([]string{":method", ":path", "user-agent", "x-trace", "cookie", "host"}).Draw(t, "name"),
			Value:     rapid.SampledFrom([]string{"", "GET", "/", "1", "curl/8.5.0", strings.Repeat("long ", 300)}).Draw(t, "value"),
			Sensitive: rapid.Bool().Draw(t, "sensitive"),
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.SliceOfN(field, 1, hpackTable).Draw(t, "fields")
		var block bytes.Buffer
		e := http2hpack.NewEncoder(&block)
		for _, f := range want {
			require.NoError(t, e.WriteField(f))
		}
		r := newHPACK(&Hint{}, block.Bytes())
		for _, f := range want {
			name, value, ok := r.next()
			require.True(t, ok)
			require.Equal(t, f.Name+": "+f.Value, string(name)+": "+string(value))
		}
		_, _, ok := r.next()
		require.False(t, ok)
	})
}

// TestHPACKUnknown: a field of an earlier block is not known, and does not hide those after it.
func TestHPACKUnknown(t *testing.T) {
	r := newHPACK(&Hint{}, []byte{0x80 | 62, 0x80 | 2})
	name, value, ok := r.next()
	assert.True(t, ok)
	assert.Empty(t, string(name)+string(value))
	name, value, ok = r.next()
	assert.True(t, ok)
	assert.Equal(t, ":method GET", string(name)+" "+string(value))
}

func TestHPACKMalformed(t *testing.T) {
	for _, bad := range []string{"\x80", "\xff\xff\xff\xff\xff\x7f", "\x40\x05ab", "\x00\x01a\x81\x00"} {
		r := newHPACK(&Hint{}, []byte(bad))
		_, _, ok := r.next()
		assert.False(t, ok, "%x", bad)
	}
}
