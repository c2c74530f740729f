package scale

import (
	"fmt"

	"github.com/mirrorsink/mirrorsink/.ci/bench/figures"
	"github.com/mirrorsink/mirrorsink/.ci/bench/internal/plot"
)

// scaleTable returns the rows of all scales.
func scaleTable(all []*scale) (t figures.Table) {
	var base []float64
	for _, s := range all {
		if s.open == reference {
			base = s.values(rateOf)
		}
	}
	for _, s := range all {
		title := fmt.Sprintf("replay, %s flows at once: ", figures.Thousands(s.open))
		t = append(t, figures.Row{Name: title + "M packets per CPU-second", Values: s.values(rateOf)})
		if s.open != reference {
			t = append(t, figures.Row{Name: title + "of the rate of " + figures.Thousands(reference), Values: figures.Ratios(s.values(rateOf), base), Bound: s.rate})
		}
		t = append(t, figures.Row{Name: title + "peak memory allocated, MiB", Values: s.values(func(r replayRun) float64 { return r.anonymous }), Bound: s.anonymous},
			figures.Row{Name: title + "heap after a collection, MiB", Values: s.values(func(r replayRun) float64 { return r.gc.Heap })},
			figures.Row{Name: title + "garbage collections", Values: s.values(func(r replayRun) float64 { return r.gc.N })},
			figures.Row{Name: title + "longest stop of one, ms", Values: s.values(func(r replayRun) float64 { return r.gc.Stop }), Bound: s.pause})
		if s.evicted != (figures.Bound{}) {
			t = append(t, figures.Row{Name: title + "flows evicted", Values: s.values(func(r replayRun) float64 { return r.evicted }), Bound: s.evicted})
		}
	}
	return t
}

func (s *scale) values(of func(replayRun) float64) (values []float64) {
	for _, r := range s.runs {
		values = append(values, of(r))
	}
	return values
}

func rateOf(r replayRun) float64 { return r.rate }

// plotFlows returns the plot of packets per CPU-second against flows.
func plotFlows(all []*scale) plot.Plot {
	p := plot.Plot{
		Title: "mirrorsink replay with one worker, full EVE: packets per CPU-second against flows at once",
		X:     "flows at once", Y: "million packets per CPU-second", Base: 10, Series: []plot.Series{{}},
	}
	for _, s := range all {
		p.Series[0].Points = append(p.Series[0].Points, plot.PointOf(s.open, s.values(rateOf)))
	}
	return p
}
