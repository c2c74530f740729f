package report

import "math"

// point is a time and a direction.
type point struct {
	at int64 // Unix seconds
	in bool
}

// timeline is bytes by point. When it has too many points it doubles their width.
type timeline struct {
	width int64 // seconds
	bytes map[point]int64
}

// maxPoints is four weeks of minutes in both directions.
const maxPoints = 2 * 28 * 24 * 60

func (t *timeline) add(p point, bytes int64) {
	p.at -= p.at % t.width
	t.bytes[p] += bytes
	if len(t.bytes) <= maxPoints {
		return
	}
	finer := t.bytes
	t.width, t.bytes = 2*t.width, map[point]int64{}
	for p, n := range finer {
		p.at -= p.at % t.width
		t.bytes[p] += n
	}
}

// steps are the possible steps of a series, seconds.
var steps = []int64{60, 120, 300, 600, 1800, 3600, 2 * 3600, 6 * 3600, 12 * 3600, 86400, 7 * 86400, 30 * 86400, 365 * 86400}

// series returns the points in at most maxSteps steps.
func (t *timeline) series() (s Series) {
	if len(t.bytes) == 0 {
		return s
	}
	first, last := int64(math.MaxInt64), int64(math.MinInt64)
	for p := range t.bytes {
		first, last = min(first, p.at), max(last, p.at)
	}
	for _, s.Step = range steps {
		if s.Step >= t.width && (last-first)/s.Step < maxSteps-1 {
			break
		}
	}
	s.Start = first - first%s.Step
	n := min((last-s.Start)/s.Step+1, maxSteps)
	s.Out, s.In = make([]int64, n), make([]int64, n)
	for p, bytes := range t.bytes {
		direction := s.Out
		if p.in {
			direction = s.In
		}
		direction[min((p.at-s.Start)/s.Step, n-1)] += bytes
	}
	return s
}
