// Package beacon scores how regular the connections of one source to one destination are, by the formulas of RITA version 5: the mean of
// four scores, of the intervals between connections, of their sizes, of their number by hour, and of the time that they cover. See
// https://github.com/activecm/rita.
package beacon

import (
	"math"
	"slices"
)

// Bins is the number of bins of the histogram: the hours of a day.
const Bins = 24

// Parameters of the formulas, RITA's defaults.
const (
	MinConnections   = 4    // fewer have no score
	minIntervals     = 3    // that are not 0
	modeSensitivity  = 0.05 // bars of the histogram within this share of the highest count as equal
	outliers         = 1    // bars that the bimodal score leaves out
	minBimodalBars   = 11   // fewer bars have no bimodal score
	minDurationBars  = 6    // fewer bars have no duration score
	idealConsecutive = 12   // bars in a row that score 1
)

// Score is the score of a source and destination, from 0 to 1, and its parts.
type Score struct {
	Total      float64
	Timestamps float64
	Sizes      float64
	Histogram  float64
	Duration   float64
}

// Of returns the score of connections within a time range, in Unix seconds. times are the starts of connections and sizes the bytes that
// their source sent; both are sorted in place. ok is false if there are too few for a score.
func Of(from, to int64, times []int64, sizes []float64) (s Score, ok bool) {
	if len(times) < MinConnections || len(sizes) < minIntervals || to <= from {
		return s, false
	}
	slices.Sort(times)
	first, last := times[0], times[len(times)-1]
	if s.Timestamps, ok = timestamps(times); !ok || last <= first {
		return Score{}, false
	}
	slices.Sort(sizes)
	s.Sizes = dispersion(sizes, 0)
	h := histogram(from, to, times, Bins)
	s.Histogram = max(h.variation(), h.bimodal(minBimodalBars))
	s.Duration = duration(from, to, first, last, h.bars(), h.longestRun())
	s.Total = thousandths((s.Timestamps + s.Sizes + s.Histogram + s.Duration) / 4)
	return s, true
}

func thousandths(v float64) float64 { return math.Round(v*1000) / 1000 }

// timestamps scores the intervals between sorted times, those of 0 left out.
func timestamps(times []int64) (score float64, ok bool) {
	intervals := make([]float64, 0, len(times)-1)
	for i, t := range times[1:] {
		if d := t - times[i]; d > 0 {
			intervals = append(intervals, float64(d))
		}
	}
	if len(intervals) < minIntervals {
		return 0, false
	}
	slices.Sort(intervals)
	return dispersion(intervals, 1), true
}

// dispersion scores how alike sorted values are: by the symmetry of their quartiles, and by the median of their deviations. small is the
// second score of values whose median is below 1.
func dispersion(sorted []float64, small float64) float64 {
	m, deviation := median(sorted), medianDeviation(sorted)
	spread := small
	if m >= 1 {
		spread = max((m-deviation)/m, 0)
	}
	return thousandths((1 - math.Abs(skew(sorted)) + spread) / 2)
}

// skew returns Bowley's measure of skewness. It is 0 where it says little: if the quartiles are close, or two of them are equal.
func skew(sorted []float64) float64 {
	half := len(sorted) / 2
	q1, q2, q3 := median(sorted[:half]), median(sorted), median(sorted[len(sorted)-half:])
	if q3-q1 < 10 || q2 == q1 || q2 == q3 {
		return 0
	}
	return (q1 + q3 - 2*q2) / (q3 - q1)
}

func median(sorted []float64) float64 {
	n := len(sorted)
	if n == 0 {
		return 0
	}
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

func medianDeviation(sorted []float64) float64 {
	m := median(sorted)
	deviations := make([]float64, len(sorted))
	for i, v := range sorted {
		deviations[i] = math.Abs(v - m)
	}
	slices.Sort(deviations)
	return median(deviations)
}

// duration scores the share of the range that the connections cover, and the bars in a row.
func duration(from, to, first, last int64, bars, run int) float64 {
	if bars < minDurationBars {
		return 0
	}
	ceil := func(v float64) float64 { return min(math.Ceil(v*1000)/1000, 1) }
	return max(ceil(float64(last-first)/float64(to-from)), ceil(float64(run)/idealConsecutive))
}
