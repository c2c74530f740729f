package stream

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestBufferAnyOrder: whatever the order, overlap and repetition of segments, the front is the stream.
func TestBufferAnyOrder(t *testing.T) {
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
		var pool bufferPool
		var b buffer
		b.Open(base, true)
		for _, c := range rapid.Permutation(cuts).Draw(t, "order") {
			segment := bytes.Clone(stream[c.off:c.end])
			b.Add(base+uint32(c.off), segment, &pool)
			if got := b.Bytes(); !bytes.HasPrefix(stream, got) {
				t.Fatalf("%q is no prefix", got)
			}
			b.Detach(&pool)
			clear(segment) // the packet's memory is used again
		}
		if got := b.Bytes(); !bytes.Equal(stream, got) {
			t.Fatalf("got %d bytes, want %d", len(got), len(stream))
		}
		b.Close(&pool)
		if pool.Used() != 0 {
			t.Fatalf("%d bytes of buffers not given back", pool.Used())
		}
	})
}

// TestBufferCopies: the copy of a segment that comes in order takes the place of bytes that have waited for it, else the first one stays. The
// other copy is there if that one cannot be read.
func TestBufferCopies(t *testing.T) {
	for _, c := range []struct {
		segments    []string // the first letter is how many bytes are before it
		want, other string
	}{
		{[]string{"4efgh", "0abcdEFGHij"}, "abcdEFGHij", "abcdefghij"},
		{[]string{"4efgh", "0abcdEF"}, "abcdEFgh", "abcdefgh"},
		{[]string{"0abcd", "2CDef"}, "abcdef", "abCDef"},
		{[]string{"4efgh", "6GHij", "0abcd"}, "abcdefghij", "abcdefGHij"},
		{[]string{"4efgh", "2cdEF", "0ab"}, "abcdEFgh", "abcdefgh"},
	} {
		var pool bufferPool
		var b buffer
		b.Open(0, true)
		for _, x := range c.segments {
			b.Add(uint32(x[0]-'0'), []byte(x[1:]), &pool)
			b.Detach(&pool)
		}
		require.Equal(t, c.want, string(b.Bytes()))
		require.True(t, b.takeOther(&pool))
		require.Equal(t, c.other, string(b.Bytes()))
		require.False(t, b.takeOther(&pool))
		require.NotZero(t, b.clashes)
		b.Close(&pool)
		require.Zero(t, pool.Used())
	}
}

func TestBufferPickedUp(t *testing.T) {
	var pool bufferPool
	var b buffer
	b.Open(1000, false)
	require.Equal(t, inOrder, b.Add(1000, []byte("second"), &pool))
	b.Detach(&pool)
	require.Equal(t, inOrder, b.Add(995, []byte("first"), &pool), "what came late is put in front")
	require.Equal(t, "firstsecond", string(b.Bytes()))
	b.Consume(5, &pool)
	require.Equal(t, duplicate, b.Add(990, []byte("older"), &pool), "but not once something was consumed")
	require.Equal(t, "second", string(b.Bytes()))
}

func TestBufferConsumeAhead(t *testing.T) {
	var pool bufferPool
	var b buffer
	b.Open(0, true)
	require.Equal(t, inOrder, b.Add(0, []byte("head"), &pool))
	b.Consume(100, &pool) // a body that is not kept
	b.Detach(&pool)
	require.False(t, b.Busy())
	require.Equal(t, duplicate, b.Add(4, make([]byte, 90), &pool))
	require.Equal(t, inOrder, b.Add(94, []byte("bodyxxNEXT"), &pool))
	require.Equal(t, "NEXT", string(b.Bytes()))
	require.EqualValues(t, 100, b.Base())
	require.EqualValues(t, 104, b.End())
}

func TestBufferSeek(t *testing.T) {
	isGET := func(b []byte) bool { return bytes.HasPrefix(b, []byte("GET")) }
	var pool bufferPool
	var b buffer
	b.Open(0, true)
	for seq, text := range map[uint32]string{100: "body", 200: "GET /1", 206: "more", 300: "GET /2"} {
		require.Equal(t, outOfOrder, b.Add(seq, []byte(text), &pool))
	}
	require.True(t, b.HasGap())
	require.EqualValues(t, 100, b.GapEnd())
	require.True(t, b.Seek(isGET, &pool))
	require.Equal(t, "GET /1more", string(b.Bytes()))
	b.Consume(1, &pool)
	require.True(t, b.Seek(isGET, &pool))
	require.Equal(t, "GET /2", string(b.Bytes()))
	b.Consume(1, &pool)
	require.False(t, b.Seek(isGET, &pool))
	require.False(t, b.Opened())
	require.Zero(t, pool.Used())
}

// TestBufferSmallSegments: any number of segments that touch are one.
func TestBufferSmallSegments(t *testing.T) {
	stream := bytes.Repeat([]byte("any bytes"), 220)
	for _, order := range []func(i int) int{
		func(i int) int { return i },
		func(i int) int { return len(stream) - 1 - i },
		func(i int) int { return i ^ 31 },
		func(i int) int { return 2*i%len(stream) + 2*i/len(stream) }, // every second one first
	} {
		var pool bufferPool
		var b buffer
		b.Open(100, true)
		for i := range stream {
			if at := order(i); at < len(stream) {
				b.Add(100+uint32(at), stream[at:at+1], &pool)
				b.Detach(&pool)
			}
		}
		for at := len(stream) &^ 31; at < len(stream); at++ {
			b.Add(100+uint32(at), stream[at:at+1], &pool)
			b.Detach(&pool)
		}
		require.Equal(t, stream, b.Bytes())
		require.LessOrEqual(t, len(b.runs), 2*fewRuns)
		b.Close(&pool)
		require.Zero(t, pool.Used())
	}
}

func TestBufferBounds(t *testing.T) {
	var pool bufferPool
	var b buffer
	b.Open(0, true)
	require.Equal(t, outOfWindow, b.Add(maxBuffered, []byte("x"), &pool))
	for i := range maxRuns {
		require.Equal(t, outOfOrder, b.Add(uint32(2*i+1), []byte("x"), &pool))
	}
	require.Equal(t, outOfWindow, b.Add(3*maxRuns, []byte("x"), &pool), "too many gaps")
	require.Equal(t, outOfOrder, b.Add(2*maxRuns, []byte("xy"), &pool), "no other gap")
	for i := range maxRuns {
		require.Equal(t, inOrder, b.Add(uint32(2*i), []byte("y"), &pool))
	}
	require.Equal(t, strings.Repeat("yx", maxRuns)+"xy", string(b.Bytes()))
	b.Close(&pool)
	b.Open(0, true)
	require.Equal(t, inOrder, b.Add(0, make([]byte, 60000), &pool), "a segment joined by offload")
	require.Len(t, b.Bytes(), maxBuffered)
	b.Detach(&pool)
	require.Len(t, b.Bytes(), maxBuffered)
	require.Equal(t, maxBuffered, pool.Used())
}

// TestBufferExtremes: a segment at any distance from the base, the largest in each direction too, is put in its place or refused.
func TestBufferExtremes(t *testing.T) {
	for _, exact := range []bool{true, false} {
		for _, off := range []uint32{0, 1, 1 << 30, 1<<31 - 1, 1 << 31, 1<<31 + 1, 1<<32 - 1<<30, 1<<32 - 1} {
			for _, held := range []bool{false, true} {
				for _, size := range []int{1, 2, 1460, maxBuffered + 1} {
					var pool bufferPool
					var b buffer
					b.Open(7, exact)
					if held {
						b.Add(7+100, []byte("behind a gap"), &pool)
						b.Detach(&pool)
					}
					got := b.Add(7+off, make([]byte, size), &pool)
					b.Detach(&pool)
					switch {
					case off == 0, off == 1<<32-1 && (size > 1 || !exact):
						require.Equal(t, inOrder, got)
						require.NotEmpty(t, b.Bytes())
					case off == 1 && size < maxBuffered:
						require.Equal(t, outOfOrder, got)
					case off < 1<<31:
						require.Equal(t, outOfWindow, got)
					default:
						require.Equal(t, duplicate, got)
					}
					b.Close(&pool)
					require.Zero(t, pool.Used())
				}
			}
		}
	}
}
