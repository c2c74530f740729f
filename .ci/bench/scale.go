package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/mirrorsink/mirrorsink/.ci/bench/figures"
)

// scales are how many connections are open at once, and how often each is measured, the others in between.
func scales() []*scale {
	return []*scale{
		{open: 1_000, rounds: 3},
		{open: 10_000, rounds: 3},
		{open: reference, rounds: 3},
		{open: 1_000_000, rounds: 3, anonymous: bound{most: 300}, pause: bound{most: 1}},
		{open: 10_000_000, rounds: 1, memory: 1 << 10, anonymous: bound{most: 1 << 10}, rate: bound{least: 0.5}, evicted: bound{least: 1}},
	}
}

// reference is the number of connections with whose rate those of others are compared.
const reference = 100_000

// leastScaled is how many packets there are at least, so that the start of the program does not count.
const leastScaled = 4_000_000

// A scale is a number of connections, and what is promised of a replay of as many.
type scale struct {
	open, rounds int
	memory       int // --memory in MiB; 0 is the default

	rate      bound // of packets per CPU-second, in relation to the reference
	anonymous bound // MiB
	evicted   bound
	pause     bound // milliseconds

	runs []madeRun
}

// measureScales replays conversations made on the fly, of few and of many flows, then a flood, then a capture with few and many
// workers, and draws the plots.
func measureScales(ctx context.Context, c captures) (table, error) {
	all := scales()
	for round := range 3 {
		for _, s := range all {
			if round >= s.rounds {
				continue
			}
			progress("%s flows at once, round %d of %d", thousands(s.open), round+1, s.rounds)
			if err := s.measure(ctx); err != nil {
				return nil, err
			}
		}
	}
	t := scaleTable(all)
	flood, err := measureFlood(ctx)
	if err != nil {
		return nil, err
	}
	crews, err := measureWorkers(ctx, c.mirrored)
	if err != nil {
		return nil, err
	}
	return slices.Concat(t, flood, workerTable(crews)), savePlots(scalePlot, plotFlows(all), plotWorkers(crews))
}

// measure replays a capture once.
func (s *scale) measure(ctx context.Context) error {
	c, err := newConversations(s.open, max(1, leastScaled/packetsEach/s.open))
	if err != nil {
		return err
	}
	r, err := replayMade(ctx, c, s.memory)
	s.runs = append(s.runs, r)
	return err
}

func scaleTable(all []*scale) (t table) {
	var base []float64
	for _, s := range all {
		if s.open == reference {
			base = s.values(rateOf)
		}
	}
	for _, s := range all {
		title := fmt.Sprintf("replay, %s flows at once: ", thousands(s.open))
		t = append(t, row{what: title + "M packets per CPU-second", values: s.values(rateOf)})
		if s.open != reference {
			t = append(t, row{what: title + "of the rate of " + thousands(reference), values: figures.Ratios(s.values(rateOf), base), wanted: s.rate})
		}
		t = append(t, row{what: title + "peak memory allocated, MiB", values: s.values(func(r madeRun) float64 { return r.anonymous }), wanted: s.anonymous},
			row{what: title + "heap after a collection, MiB", values: s.values(func(r madeRun) float64 { return r.gc.Heap })},
			row{what: title + "garbage collections", values: s.values(func(r madeRun) float64 { return r.gc.N })},
			row{what: title + "longest stop of one, ms", values: s.values(func(r madeRun) float64 { return r.gc.Stop }), wanted: s.pause})
		if s.evicted != (bound{}) {
			t = append(t, row{what: title + "flows evicted", values: s.values(func(r madeRun) float64 { return r.evicted }), wanted: s.evicted})
		}
	}
	return t
}

func (s *scale) values(of func(madeRun) float64) (values []float64) {
	for _, r := range s.runs {
		values = append(values, of(r))
	}
	return values
}

func rateOf(r madeRun) float64 { return r.rate }

// The flood: 100,000 SYNs a second for 80 seconds, each from another address, among conversations.
const (
	floodTalks  = 10_000
	floodEach   = 100 // after each packet of a conversation
	floodMemory = 256 // MiB, room for half a million flows
)

// measureFlood replays conversations amid a flood. A conversation that lost its state would be counted as a flow once more.
func measureFlood(ctx context.Context) (table, error) {
	progress("%s conversations amid a flood", thousands(floodTalks))
	c, err := newConversations(floodTalks, 1)
	if err != nil {
		return nil, err
	}
	c.flood = floodEach
	r, err := replayMade(ctx, c, floodMemory)
	if err != nil {
		return nil, err
	}
	title := fmt.Sprintf("replay, SYN flood amid %s flows: ", thousands(floodTalks))
	return table{
		{what: title + "M packets per CPU-second", values: []float64{r.rate}},
		{what: title + "flows that began, of those counted", values: []float64{float64(c.flows()) / r.flows}, wanted: bound{least: 1}},
		{what: title + "flows evicted", values: []float64{r.evicted}, wanted: bound{least: 1}},
		{what: title + "peak memory allocated, MiB", values: []float64{r.anonymous}, wanted: bound{most: floodMemory}},
	}, nil
}

// plotFlows draws packets per CPU-second against flows.
func plotFlows(all []*scale) plot {
	p := plot{
		title: "mirrorsink replay with one worker, full EVE: packets per CPU-second against flows at once",
		x:     "flows at once", y: "million packets per CPU-second", base: 10, series: []series{{}},
	}
	for _, s := range all {
		p.series[0].points = append(p.series[0].points, pointOf(s.open, s.values(rateOf)))
	}
	return p
}

// thousands prints a number with commas.
func thousands(n int) string {
	if n < 1000 {
		return strconv.Itoa(n)
	}
	return fmt.Sprintf("%s,%03d", thousands(n/1000), n%1000)
}
