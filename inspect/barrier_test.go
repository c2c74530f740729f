package inspect

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestBarrier: windows are closed in their order, each once, when all workers have passed them, and all at the end.
func TestBarrier(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var b barrier
		next := map[uint32]uint32{}
		for range rapid.IntRange(1, 4).Draw(t, "workers") {
			next[b.join()] = 0
		}
		open, reached, first := uint32(0), uint32(0), ^uint32(0)
		check := func(from, to uint32) {
			if from == to {
				return
			}
			require.True(t, open == 0 || from == open, "no window is left out or closed twice")
			open = to
			for _, n := range next {
				require.LessOrEqual(t, to, n, "all have passed")
			}
		}
		for range rapid.IntRange(0, 30).Draw(t, "steps") {
			w := rapid.SampledFrom(sorted(next)).Draw(t, "worker")
			if next[w] == 0 {
				next[w] = 60 * rapid.Uint32Range(100, 105).Draw(t, "begin")
				first = min(first, next[w])
			} else {
				next[w] += 60 * rapid.Uint32Range(1, 3).Draw(t, "on")
			}
			reached = max(reached, next[w])
			check(b.advance(w, next[w]))
		}
		for _, w := range sorted(next) {
			delete(next, w)
			check(b.leave(w))
		}
		if reached > first {
			require.Equal(t, reached, open, "all are closed at the end")
		}
		require.Zero(t, b.open)
	})
}

func sorted(m map[uint32]uint32) (keys []uint32) {
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
