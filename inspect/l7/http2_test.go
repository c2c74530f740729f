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

// TestHTTP2Order: a server may speak first, and has to wait for the client's preface; an interim response is not the answer.
func TestHTTP2Order(t *testing.T) {
	var h Hint
	var c Conn
	settings := "000000 04 00 00000000"
	server := Input{Data: unhex(t, settings+"000001 01 04 00000001 88"), Side: 1} // :status 200
	require.Equal(t, More, parseHTTP2(&h, &c, server))
	client := append([]byte(http2Preface), unhex(t, settings+"000003 01 05 00000001 82 84 86")...) // GET /
	require.Equal(t, Done, parseHTTP2(&h, &c, Input{Data: client}))
	require.Equal(t, Request, h.Role)

	h.Reset()
	early := unhex(t, settings+"000005 01 04 00000001 08 03 313030") // :status 100
	interim := Input{Data: append(early, unhex(t, "000001 01 04 00000001 88")...), Side: 1}
	require.Equal(t, Done, parseHTTP2(&h, &c, interim))
	assert.Equal(t, Interim, h.Role)
	assert.Equal(t, len(early), h.Next)

	h.Reset()
	require.Equal(t, Done, parseHTTP2(&h, &c, server))
	assert.Equal(t, Response, h.Role)
}

// TestHTTP2Continuation: a header block in two frames is read as one in a single frame.
func TestHTTP2Continuation(t *testing.T) {
	for _, frames := range []string{"000003 01 05 00000001 82 84 86", "000001 01 01 00000001 82 000002 09 04 00000001 84 86"} {
		var h Hint
		var c Conn
		require.Equal(t, Done, parseHTTP2(&h, &c, Input{Data: append([]byte(http2Preface), unhex(t, frames)...)}))
		assert.Equal(t, "/", string(h.Fields[1].Text))
		assert.Equal(t, "GET", string(h.Fields[2].Text))
	}
}
