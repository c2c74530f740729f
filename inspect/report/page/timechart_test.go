package page

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/mirrorsink/mirrorsink/inspect/report"
)

// TestTimeChart: each bar stands on the axis and within the chart, bars do not overlap, heights are proportional to bytes, and
// there are few labels and grid lines.
func TestTimeChart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 120).Draw(t, "steps")
		s := &report.Series{Step: rapid.SampledFrom([]int64{60, 300, 3600, 86400}).Draw(t, "step"), Out: make([]int64, n), In: make([]int64, n)}
		s.Start = 1764057600 / s.Step * s.Step
		for i := range n {
			s.Out[i], s.In[i] = rapid.Int64Range(0, 1<<45).Draw(t, "out"), rapid.SampledFrom([]int64{0, 1, 1 << 20}).Draw(t, "in")
		}
		c := newTimeChart(s)
		require.Len(t, c.Bars, n)
		right := 0.0
		for i, b := range c.Bars {
			require.GreaterOrEqual(t, b.X+1e-6, right)
			right = b.X + b.W
			require.InDelta(t, timeHeight, b.OutY+b.OutH, 1e-6)
			require.InDelta(t, b.OutY, b.InY+b.InH, 1e-6)
			require.GreaterOrEqual(t, b.InY, -1e-6)
			require.Equal(t, [2]int64{s.Out[i], s.In[i]}, [2]int64{b.Out, b.In})
		}
		require.LessOrEqual(t, right, chartWidth+1e-6)
		require.LessOrEqual(t, len(c.Lines), 7)
		require.GreaterOrEqual(t, len(c.Lines), 2)
		require.LessOrEqual(t, len(c.Labels), maxLabels+1)
	})
}

// TestGridStep: about four grid lines fit below any value.
func TestGridStep(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		highest := rapid.Int64Range(1, 1<<58).Draw(t, "highest")
		step := gridStep(highest)
		require.Positive(t, step)
		require.LessOrEqual(t, highest/step, int64(4))
	})
}

func TestStepText(t *testing.T) {
	for seconds, want := range map[int64]string{60: "1 min", 300: "5 min", 3600: "1 h", 12 * 3600: "12 h", 86400: "1 d", 7 * 86400: "7 d"} {
		assert.Equal(t, want, stepText(seconds))
	}
}

func TestGroupDigits(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1\u202f000", 1234567: "1\u202f234\u202f567", -5: "0"} {
		assert.Equal(t, want, groupDigits(n))
	}
}
