package stream

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"
)

// TestPast: a copy of what was read is no other copy, wherever it is cut. One that has a block with other bytes is.
func TestPast(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		data := rapid.SliceOfN(rapid.Byte(), 2, 2000).Draw(t, "data")
		base := rapid.Uint32().Draw(t, "base")
		var m past
		m.Keep(base, data)
		from := rapid.IntRange(0, len(data)-1).Draw(t, "from")
		to := rapid.IntRange(from+1, len(data)).Draw(t, "to")
		before := rapid.SliceOfN(rapid.Byte(), 0, 100).Draw(t, "before")
		after := rapid.SliceOfN(rapid.Byte(), 0, 100).Draw(t, "after")
		segment := bytes.Clone(data[from:to])
		seq := base + uint32(from)
		if from == 0 {
			segment, seq = append(before, segment...), seq-uint32(len(before))
		}
		if to == len(data) {
			segment = append(segment, after...)
		}
		if m.Differs(seq, segment) {
			t.Fatal("the same bytes differ")
		}
		at := rapid.IntRange(0, int(m.n)-1).Draw(t, "changed")
		block := at / pastBlock * pastBlock
		if whole := bytes.Clone(data); true {
			whole[at] ^= byte(rapid.IntRange(1, 255).Draw(t, "by"))
			if !m.Differs(base, whole) {
				t.Fatal("another byte is not seen")
			}
			if !m.Differs(base+uint32(block), whole[block:min(block+pastBlock, int(m.n))]) {
				t.Fatal("another byte of the block is not seen")
			}
		}
	})
}
