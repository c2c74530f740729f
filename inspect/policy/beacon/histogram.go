package beacon

import "math"

// bins counts connections by equal parts of a time range.
type bins []int

// histogram counts sorted times. Those outside the range count in its first or last bin.
func histogram(from, to int64, times []int64, n int) bins {
	h := make(bins, n)
	step := float64(to-from) / float64(n)
	bin := 0
	for _, t := range times {
		for bin < n-1 && float64(t) >= float64(from)+float64(bin+1)*step {
			bin++
		}
		h[bin]++
	}
	return h
}

// bars returns the number of bins with connections.
func (h bins) bars() (n int) {
	for _, count := range h {
		if count > 0 {
			n++
		}
	}
	return n
}

// longestRun returns the largest number of neighbouring bins with connections. The first bin follows the last.
func (h bins) longestRun() (longest int) {
	run := 0
	for i := range 2 * len(h) {
		if h[i%len(h)] == 0 {
			run = 0
			continue
		}
		run++
		longest = max(longest, run)
	}
	return min(longest, len(h))
}

// variation scores how flat the histogram is: 1 less the standard deviation as a share of the mean.
func (h bins) variation() float64 {
	sum := 0
	for _, count := range h {
		sum += count
	}
	mean := float64(sum) / float64(len(h))
	if mean == 0 {
		return 0
	}
	squares := 0.0
	for _, count := range h {
		squares += (float64(count) - mean) * (float64(count) - mean)
	}
	return max(thousandths(1-math.Sqrt(squares/float64(len(h)))/mean), 0)
}

// bimodal scores which share of the bars has one of the two most frequent heights, an outlier left out.
func (h bins) bimodal(minBars int) float64 {
	bars := h.bars()
	if bars < minBars {
		return 0
	}
	highest := 0
	for _, count := range h {
		highest = max(highest, count)
	}
	width := math.Ceil(float64(highest) * modeSensitivity)
	heights := map[int]int{}
	for _, count := range h {
		if count > 0 {
			heights[int(float64(count)/width)]++
		}
	}
	first, second := 0, 0
	for _, n := range heights {
		switch {
		case n > first:
			first, second = n, first
		case n > second:
			second = n
		}
	}
	return min(thousandths(float64(first+second)/float64(max(bars-outliers, 1))), 1)
}
