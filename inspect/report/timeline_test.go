package report

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestSeriesKeepsAllBytes: a series has the bytes of all points by direction, each in the step that holds its time, in at most
// maxSteps steps.
func TestSeriesKeepsAllBytes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		span := rapid.SampledFrom([]int64{0, 1, 100, 5_000, 500_000}).Draw(t, "minutes")
		line := timeline{width: minute, bytes: map[point]int64{}}
		type part struct {
			p point
			n int64
		}
		var parts []part
		for range rapid.IntRange(1, 200).Draw(t, "points") {
			p := part{point{1764057600 + minute*rapid.Int64Range(0, span).Draw(t, "at"), rapid.Bool().Draw(t, "in")}, rapid.Int64Range(0, 1000).Draw(t, "bytes")}
			parts = append(parts, p)
			line.add(p.p, p.n)
		}
		s := line.series()
		require.LessOrEqual(t, len(s.Out), maxSteps)
		require.Len(t, s.In, len(s.Out))
		require.Contains(t, steps, s.Step)
		require.Zero(t, s.Start%s.Step)
		out, in := make([]int64, len(s.Out)), make([]int64, len(s.In))
		for _, p := range parts {
			at := (p.p.at - s.Start) / s.Step
			require.Less(t, at, int64(len(out)))
			if p.p.in {
				in[at] += p.n
			} else {
				out[at] += p.n
			}
		}
		require.Equal(t, out, s.Out)
		require.Equal(t, in, s.In)
	})
}

// TestTimelineIsBounded: a timeline of more minutes than it may hold doubles its width, and loses no bytes.
func TestTimelineIsBounded(t *testing.T) {
	line := timeline{width: minute, bytes: map[point]int64{}}
	const n = 3 * maxPoints
	for i := range int64(n) {
		line.add(point{at: i * minute}, 1)
		if len(line.bytes) > maxPoints { // a comparison of require for each point takes seconds
			require.LessOrEqual(t, len(line.bytes), maxPoints)
		}
	}
	require.Equal(t, int64(4*minute), line.width)
	var total int64
	for _, b := range line.bytes {
		total += b
	}
	require.Equal(t, int64(n), total)
	require.Empty(t, (&timeline{width: minute}).series().Out)
}
