package beacon

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// The expected values of this file are the test vectors that RITA publishes (analysis/beacons_test.go), to three decimals.

const start = 1517338924

// after returns times from a start on with the given intervals.
func after(start int64, intervals ...int64) []int64 {
	times := []int64{start}
	for _, d := range intervals {
		times = append(times, times[len(times)-1]+d)
	}
	return times
}

func TestTimestamps(t *testing.T) {
	for name, c := range map[string]struct {
		times []int64
		want  float64
	}{
		"counting":      {after(1, 1, 1, 1, 1, 1, 1, 1, 1, 1), 1},
		"perfect":       {after(start, 60, 60, 60, 60, 60, 60, 60, 60, 60), 1},
		"closely alike": {after(start, 98, 99, 99, 100, 100, 100, 101, 101, 102), 0.995},
		"bimodal":       {after(start, 98, 300, 98, 300, 98, 300, 98, 300, 98, 300), 0.746},
		"random":        {after(start, 1, 299, 25, 4975, 90, 2, 42, 500, 1500), 0.083},
	} {
		got, ok := timestamps(c.times)
		require.True(t, ok, name)
		require.InDelta(t, c.want, got, 0.0005, name)
	}
	for _, times := range [][]int64{{60, 60, 60, 60, 60, 60}, {1, 2, 3}} {
		_, ok := timestamps(times)
		require.False(t, ok, "%v", times)
	}
}

func TestDispersion(t *testing.T) {
	for name, c := range map[string]struct {
		values      []float64
		small, want float64
	}{
		"counting":         {[]float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, 0, 0.773},
		"equal":            {[]float64{60, 60, 60, 60, 60, 60, 60, 60, 60}, 0, 1},
		"closely alike":    {[]float64{98, 99, 99, 100, 100, 100, 101, 101, 102}, 0, 0.995},
		"random sizes":     {[]float64{524885, 1, 5000, 98654, 50, 41, 965842, 3}, 0, 0.008},
		"random intervals": {[]float64{1, 299, 25, 4975, 90, 2, 42, 500, 1500}, 1, 0.083},
		"zeros, sizes":     {make([]float64, 10), 0, 0.5},
		"zeros, intervals": {make([]float64, 10), 1, 1},
		"Q1 is Q2":         {[]float64{7, 8, 7, 8, 7, 8, 7, 8, 7}, 1, 1},
		"Q2 is Q3":         {[]float64{1, 1, 2, 2, 2, 2}, 1, 1},
	} {
		slices.Sort(c.values)
		require.InDelta(t, c.want, dispersion(c.values, c.small), 0.0005, name)
	}
}

func TestHistogram(t *testing.T) {
	var stairs, hours, minutes []int64
	for i := range int64(10) {
		for range i + 1 {
			stairs = append(stairs, i+1)
		}
		minutes = append(minutes, start+60*i)
	}
	for i := range int64(24) {
		hours = append(hours, start+3600*i)
	}
	for name, c := range map[string]struct {
		from, to  int64
		times     []int64
		bins      int
		minBars   int
		want      bins
		bars, run int
		score     float64
	}{
		"stairs":      {1, 11, stairs, 10, 6, bins{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, 10, 10, 0.478},
		"regular":     {start, start + 24*3600, hours, 24, 11, slices.Repeat(bins{1}, 24), 24, 24, 1},
		"close":       {98, 102, []int64{98, 99, 99, 100, 100, 100, 101, 101, 102}, 8, 6, bins{1, 0, 2, 0, 3, 0, 2, 1}, 5, 3, 0.064},
		"random":      {0, 1e6, []int64{1, 3, 41, 50, 5000, 12001, 98654, 104001, 199999, 200400, 524885, 965842}, 10, 6, bins{7, 2, 1, 0, 0, 1, 0, 0, 0, 1}, 5, 4, 0},
		"bimodal":     {0, 100, []int64{1, 2, 3, 4, 15, 21, 22, 23, 24, 35, 41, 42, 43, 44, 55, 61, 62, 63, 64, 75, 81, 82, 83, 84, 95}, 10, 6, bins{4, 1, 4, 1, 4, 1, 4, 1, 4, 1}, 10, 10, 1},
		"wraps round": {0, 250, []int64{10, 20, 100, 110, 110, 220}, 5, 6, bins{2, 0, 3, 0, 1}, 3, 2, 0.028},
		"one bar":     {start, start + 24*3600, minutes, 24, 11, append(bins{10}, make(bins, 23)...), 1, 1, 0},
	} {
		h := histogram(c.from, c.to, c.times, c.bins)
		require.Equal(t, c.want, h, name)
		require.Equal(t, c.bars, h.bars(), name)
		require.Equal(t, c.run, h.longestRun(), name)
		require.InDelta(t, c.score, max(h.variation(), h.bimodal(c.minBars)), 0.0005, name)
	}
}

func TestDuration(t *testing.T) {
	const h = 3600
	for _, c := range []struct {
		first, last int64
		bars, run   int
		want        float64
	}{
		{0, 24, 24, 24, 1}, {0, 24, 6, 0, 1}, {12, 24, 6, 0, 0.5}, {0, 12, 6, 0, 0.5}, {6, 24, 6, 0, 0.75}, {12, 24, 12, 12, 1},
		{12, 18, 6, 6, 0.5}, {6, 18, 12, 6, 0.5}, {6, 18, 3, 1, 0},
	} {
		require.InDelta(t, c.want, duration(start, start+24*h, start+c.first*h, start+c.last*h, c.bars, c.run), 0.0005, "%+v", c)
	}
}

// TestOf: every score is between 0 and 1 and the mean of its parts, whatever the connections; a clock that ticks scores 1.
func TestOf(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		times := rapid.SliceOfN(rapid.Int64Range(0, 86400), 0, 60).Draw(t, "times")
		sizes := rapid.SliceOfN(rapid.Float64Range(0, 1e12), len(times), len(times)).Draw(t, "sizes")
		s, ok := Of(0, 86400, times, sizes)
		if !ok {
			return
		}
		for _, v := range []float64{s.Total, s.Timestamps, s.Sizes, s.Histogram, s.Duration} {
			if !(v >= 0 && v <= 1) {
				t.Fatalf("%+v", s)
			}
		}
		if want := thousandths((s.Timestamps + s.Sizes + s.Histogram + s.Duration) / 4); s.Total != want {
			t.Fatalf("%v, want %v", s.Total, want)
		}
	})
	var times []int64
	var sizes []float64
	for i := range int64(288) {
		times, sizes = append(times, i*300), append(sizes, 512)
	}
	s, ok := Of(0, 86400, times, sizes)
	require.True(t, ok)
	require.Equal(t, Score{1, 1, 1, 1, 1}, s)
}
