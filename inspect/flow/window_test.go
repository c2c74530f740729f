package flow

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestWindowAnyOrder: whatever the order, overlap and repetition of segments, the front is the stream.
func TestWindowAnyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		stream := rapid.SliceOfN(rapid.Byte(), 1, 3000).Draw(t, "stream")
		base := rapid.Uint32().Draw(t, "base")
		type cut struct{ off, end int }
		var cuts []cut
		for off := 0; off < len(stream); {
			end := min(len(stream), off+rapid.IntRange(100, 800).Draw(t, "length"))
			cuts = append(cuts, cut{max(0, off-rapid.IntRange(0, 50).Draw(t, "overlap")), end})
			off = end
		}
		cuts = append(cuts, cuts[rapid.IntRange(0, len(cuts)-1).Draw(t, "repeated")])
		var pool Pool
		var w Window
		w.Open(base, true)
		for _, c := range rapid.Permutation(cuts).Draw(t, "order") {
			segment := bytes.Clone(stream[c.off:c.end])
			w.Add(base+uint32(c.off), segment, &pool)
			if got := w.Bytes(); !bytes.HasPrefix(stream, got) {
				t.Fatalf("%q is no prefix", got)
			}
			w.Keep(&pool)
			clear(segment) // the packet's memory is used again
		}
		if got := w.Bytes(); !bytes.Equal(stream, got) {
			t.Fatalf("got %d bytes, want %d", len(got), len(stream))
		}
		w.Close(&pool)
		if pool.Used() != 0 {
			t.Fatalf("%d bytes of buffers not given back", pool.Used())
		}
	})
}

func TestWindowFirstCopyWins(t *testing.T) {
	var pool Pool
	var w Window
	w.Open(0, true)
	w.Add(4, []byte("efgh"), &pool)
	w.Keep(&pool)
	w.Add(0, []byte("abcdEFGHij"), &pool)
	require.Equal(t, "abcdefghij", string(w.Bytes()))
}

func TestWindowPickedUp(t *testing.T) {
	var pool Pool
	var w Window
	w.Open(1000, false)
	require.Equal(t, Front, w.Add(1000, []byte("second"), &pool))
	w.Keep(&pool)
	require.Equal(t, Front, w.Add(995, []byte("first"), &pool), "what came late is put in front")
	require.Equal(t, "firstsecond", string(w.Bytes()))
	w.Consume(5, &pool)
	require.Equal(t, Old, w.Add(990, []byte("older"), &pool), "but not once something was consumed")
	require.Equal(t, "second", string(w.Bytes()))
}

func TestWindowConsumeAhead(t *testing.T) {
	var pool Pool
	var w Window
	w.Open(0, true)
	require.Equal(t, Front, w.Add(0, []byte("head"), &pool))
	w.Consume(100, &pool) // a body that is not kept
	w.Keep(&pool)
	require.False(t, w.Busy())
	require.Equal(t, Old, w.Add(4, make([]byte, 90), &pool))
	require.Equal(t, Front, w.Add(94, []byte("bodyxxNEXT"), &pool))
	require.Equal(t, "NEXT", string(w.Bytes()))
	require.EqualValues(t, 100, w.Base())
	require.EqualValues(t, 104, w.End())
}

func TestWindowSeek(t *testing.T) {
	isGET := func(b []byte) bool { return bytes.HasPrefix(b, []byte("GET")) }
	var pool Pool
	var w Window
	w.Open(0, true)
	for seq, text := range map[uint32]string{100: "body", 200: "GET /1", 206: "more", 300: "GET /2"} {
		require.Equal(t, Ahead, w.Add(seq, []byte(text), &pool))
	}
	require.True(t, w.Waiting())
	require.EqualValues(t, 100, w.Held())
	require.True(t, w.Seek(isGET, &pool))
	require.Equal(t, "GET /1more", string(w.Bytes()))
	w.Consume(1, &pool)
	require.True(t, w.Seek(isGET, &pool))
	require.Equal(t, "GET /2", string(w.Bytes()))
	w.Consume(1, &pool)
	require.False(t, w.Seek(isGET, &pool))
	require.False(t, w.Opened())
	require.Zero(t, pool.Used())
}

func TestWindowBounds(t *testing.T) {
	var pool Pool
	var w Window
	w.Open(0, true)
	require.Equal(t, Far, w.Add(Span, []byte("x"), &pool))
	for i := range maxPieces {
		require.Equal(t, Ahead, w.Add(uint32(2*i+1), []byte("x"), &pool))
	}
	require.Equal(t, Far, w.Add(1001, []byte("x"), &pool), "too many pieces")
	w.Close(&pool)
	w.Open(0, true)
	require.Equal(t, Front, w.Add(0, make([]byte, 60000), &pool), "a segment joined by offload")
	require.Len(t, w.Bytes(), Span)
	w.Keep(&pool)
	require.Len(t, w.Bytes(), Span)
	require.Equal(t, Span, pool.Used())
}

// TestWindowExtremes: a segment at any distance from the base, the largest in each direction too, is put in its place or refused.
func TestWindowExtremes(t *testing.T) {
	for _, exact := range []bool{true, false} {
		for _, off := range []uint32{0, 1, 1 << 30, 1<<31 - 1, 1 << 31, 1<<31 + 1, 1<<32 - 1<<30, 1<<32 - 1} {
			for _, held := range []bool{false, true} {
				for _, size := range []int{1, 2, 1460, Span + 1} {
					var pool Pool
					var w Window
					w.Open(7, exact)
					if held {
						w.Add(7+100, []byte("behind a hole"), &pool)
						w.Keep(&pool)
					}
					fit := w.Add(7+off, make([]byte, size), &pool)
					w.Keep(&pool)
					switch {
					case off == 0, off == 1<<32-1 && (size > 1 || !exact):
						require.Equal(t, Front, fit)
						require.NotEmpty(t, w.Bytes())
					case off == 1 && size < Span:
						require.Equal(t, Ahead, fit)
					case off < 1<<31:
						require.Equal(t, Far, fit)
					default:
						require.Equal(t, Old, fit)
					}
					w.Close(&pool)
					require.Zero(t, pool.Used())
				}
			}
		}
	}
}
