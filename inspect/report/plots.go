package report

import (
	"cmp"
	"encoding/binary"
	"math"
	"slices"
)

// Plots is what the page shows of the records that a report is of, besides its table.
type Plots struct {
	Times Series
	Names []Bar  // most bytes first
	Chart []Flow // from instances to names, most bytes first
}

// Series is bytes over time, in steps of Step seconds from Start.
type Series struct {
	Start, Step int64
	Out, In     []int64 // left the interfaces, and reached them; where the direction is not known they are in Out
}

// Bar is what one name has.
type Bar struct {
	Name  string
	Bytes int64
}

// Flow is what goes between an instance and a name, both ways together.
type Flow struct {
	From, To string
	Bytes    int64
}

// Sizes of plots: what an eye can still tell apart.
const (
	maxSteps = 120
	maxBars  = 15
	maxLinks = 40
	maxEnds  = 12 // instances, and names, in the chart; the others are drawn as one
)

// plotReads are the fields that plots are made of.
var plotReads = slices.Concat([]string{"x-name"}, dimOwner.reads)

// plotter makes the plots out of the tallies that stand behind a sheet's first. Its zero value makes none.
type plotter struct{ sheet *sheet }

func (*plotter) keys() []keyFunc {
	label := dim{of: func(r *row) string { return cmp.Or(r.Name, addrText(r.remote())) }}
	return []keyFunc{
		func(key []byte, r *row) ([]byte, bool) {
			key = binary.BigEndian.AppendUint64(key, uint64(r.Start/minute))
			if r.FlowDirection == ingress {
				return append(key, 1), true
			}
			return append(key, 0), true
		},
		func(key []byte, r *row) ([]byte, bool) { return appendPart(key, label.of(r)), true },
		func(key []byte, r *row) ([]byte, bool) {
			return appendPart(appendPart(key, r.owner()), label.of(r)), true
		},
	}
}

// answer makes the plots, once all records were added; nil if none were asked for.
func (p *plotter) answer() (*Plots, error) {
	if p.sheet == nil {
		return nil, nil
	}
	plots := new(Plots)
	times := timeline{width: minute, bytes: map[point]int64{}}
	tallies := p.sheet.tallies[len(p.sheet.tallies)-3:]
	err := tallies[0].groups.each(func(key []byte, s *sum) {
		times.add(point{int64(binary.BigEndian.Uint64(key)) * minute, key[8] == 1}, s.bytes)
	})
	if err != nil {
		return nil, err
	}
	plots.Times = times.series()
	names := ranking{n: maxBars, by: bytesOf.of}
	if err := tallies[1].groups.each(names.add); err != nil {
		return nil, err
	}
	names.cut()
	for _, r := range names.rows {
		plots.Names = append(plots.Names, Bar{r.parts[0], r.sum.bytes})
	}
	links := ranking{n: maxLinks, by: bytesOf.of}
	if err := tallies[2].groups.each(links.add); err != nil {
		return nil, err
	}
	links.cut()
	for _, r := range links.rows {
		if r.sum.bytes > 0 {
			plots.Chart = append(plots.Chart, Flow{r.parts[0], r.parts[1], r.sum.bytes})
		}
	}
	return plots, nil
}

// point is a time and a way.
type point struct {
	at int64 // Unix seconds
	in bool
}

// timeline is bytes by point, in a bounded number of them: when there are more, every two become one.
type timeline struct {
	width int64 // seconds
	bytes map[point]int64
}

// maxPoints is four weeks of minutes, both ways.
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

// steps are the lengths of a series' steps, seconds.
var steps = []int64{60, 120, 300, 600, 1800, 3600, 2 * 3600, 6 * 3600, 12 * 3600, 86400, 7 * 86400, 30 * 86400, 365 * 86400}

// series puts the points into at most maxSteps steps.
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
		way := s.Out
		if p.in {
			way = s.In
		}
		way[min((p.at-s.Start)/s.Step, n-1)] += bytes
	}
	return s
}
