package wire

import (
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestCursorReadsOrFails: a read gives what is there, or fails, empties the cursor, and every later read gives zero.
func TestCursorReadsOrFails(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := rapid.SliceOfN(rapid.Byte(), 0, 20).Draw(t, "bytes")
		rest := b
		c := New(b[:len(b):len(b)])
		for range rapid.IntRange(1, 8).Draw(t, "reads") {
			n := rapid.SampledFrom([]int{1, 2, 3, 4, 8}).Draw(t, "size")
			var got uint64
			switch n {
			case 1:
				got = uint64(c.U8())
			case 2:
				got = uint64(c.U16())
			case 3:
				got = uint64(c.U24())
			case 4:
				got = uint64(c.U32())
			case 8:
				got = c.U64()
			}
			var want uint64
			if c.OK() {
				var whole [8]byte
				copy(whole[8-n:], rest[:n])
				want, rest = binary.BigEndian.Uint64(whole[:]), rest[n:]
			} else if len(rest) >= n {
				t.Fatalf("failed with %d bytes left of %d wanted", len(rest), n)
			} else {
				rest = nil
			}
			if got != want || c.Len() != len(rest) || c.Empty() != (len(rest) == 0) {
				t.Fatalf("read %x, want %x; %d left, want %d", got, want, c.Len(), len(rest))
			}
		}
	})
}

func TestCursorSlices(t *testing.T) {
	c := New([]byte("abcdefgh"))
	sub := c.Sub(3)
	require.Equal(t, "abc", string(sub.Rest()))
	require.Equal(t, 3, cap(sub.Rest()), "an append cannot run into the neighbor")
	c.Skip(1)
	require.Equal(t, "ef", string(c.Bytes(2)))
	cut := c.Upto(10)
	require.Equal(t, "gh", string(cut.Rest()))
	require.True(t, cut.OK())
	require.True(t, c.OK())
	require.True(t, c.Empty())
}

func TestCursorFails(t *testing.T) {
	for name, read := range map[string]func(*Cursor){
		"too many bytes": func(c *Cursor) { require.Nil(t, c.Bytes(3)) },
		"negative bytes": func(c *Cursor) { require.Nil(t, c.Bytes(-1)) },
		"too far":        func(c *Cursor) { c.Skip(3) },
		"back":           func(c *Cursor) { c.Skip(-1) },
		"by hand":        func(c *Cursor) { c.Fail() },
		"sub": func(c *Cursor) {
			sub := c.Sub(3)
			require.False(t, sub.OK())
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := New([]byte("ab"))
			read(&c)
			require.False(t, c.OK())
			require.Zero(t, c.Len())
			require.Zero(t, c.U8())
		})
	}
}
