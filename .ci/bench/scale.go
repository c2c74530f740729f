package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/mirrorsink/mirrorsink/.ci/bench/figures"
)

// scales returns the numbers of connections to measure, and the rounds of each.
func scales() []*scale {
	return []*scale{
		{open: 1_000, rounds: 3},
		{open: 10_000, rounds: 3},
		{open: reference, rounds: 3},
		{open: 1_000_000, rounds: 3, anonymous: figures.Bound{Most: 300}, pause: figures.Bound{Most: 1}},
		{open: 10_000_000, rounds: 1, memory: 1 << 10, anonymous: figures.Bound{Most: 1 << 10}, rate: figures.Bound{Least: 0.5}, evicted: figures.Bound{Least: 1}},
	}
}

// reference is the number of connections whose rate the others are compared with.
const reference = 100_000

// minScaledPackets is the least number of packets, so that the start of the program does not matter.
const minScaledPackets = 4_000_000

// A scale is a number of connections, and the bounds of a replay of them.
type scale struct {
	open, rounds int
	memory       int // --memory in MiB; 0 is the default

	rate      figures.Bound // of packets per CPU-second, relative to the reference
	anonymous figures.Bound // MiB
	evicted   figures.Bound
	pause     figures.Bound // milliseconds

	runs []replayRun
}

// measureScales replays generated conversations of few and many flows, then a flood, then a capture with few and many workers. It
// draws the plots.
func measureScales(ctx context.Context, c captures) (figures.Table, error) {
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
	rates, err := measureWorkers(ctx, c.mirrored)
	if err != nil {
		return nil, err
	}
	return slices.Concat(t, flood, workerTable(rates)), savePlots(scalePlot, plotFlows(all), plotWorkers(rates))
}

// measure replays a capture once.
func (s *scale) measure(ctx context.Context) error {
	c, err := newConversations(s.open, max(1, minScaledPackets/packetsEach/s.open))
	if err != nil {
		return err
	}
	r, err := replayConversations(ctx, c, s.memory)
	s.runs = append(s.runs, r)
	return err
}

func scaleTable(all []*scale) (t figures.Table) {
	var base []float64
	for _, s := range all {
		if s.open == reference {
			base = s.values(rateOf)
		}
	}
	for _, s := range all {
		title := fmt.Sprintf("replay, %s flows at once: ", thousands(s.open))
		t = append(t, figures.Row{Name: title + "M packets per CPU-second", Values: s.values(rateOf)})
		if s.open != reference {
			t = append(t, figures.Row{Name: title + "of the rate of " + thousands(reference), Values: figures.Ratios(s.values(rateOf), base), Bound: s.rate})
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

// The flood: 100,000 SYNs per second for 80 seconds, each from another address, among conversations.
const (
	floodConversations = 10_000
	floodPerPacket     = 100 // SYNs after each packet of a conversation
	floodMemory        = 256 // MiB, room for half a million flows
)

// measureFlood replays conversations during a flood. A conversation whose state is evicted would be counted as another flow.
func measureFlood(ctx context.Context) (figures.Table, error) {
	progress("%s conversations during a flood", thousands(floodConversations))
	c, err := newConversations(floodConversations, 1)
	if err != nil {
		return nil, err
	}
	c.flood = floodPerPacket
	r, err := replayConversations(ctx, c, floodMemory)
	if err != nil {
		return nil, err
	}
	title := fmt.Sprintf("replay, SYN flood among %s flows: ", thousands(floodConversations))
	return figures.Table{
		{Name: title + "M packets per CPU-second", Values: []float64{r.rate}},
		{Name: title + "flows that began, of those counted", Values: []float64{float64(c.flows()) / r.flows}, Bound: figures.Bound{Least: 1}},
		{Name: title + "flows evicted", Values: []float64{r.evicted}, Bound: figures.Bound{Least: 1}},
		{Name: title + "peak memory allocated, MiB", Values: []float64{r.anonymous}, Bound: figures.Bound{Most: floodMemory}},
	}, nil
}

// plotFlows returns the plot of packets per CPU-second against flows.
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

// thousands formats a number with commas.
func thousands(n int) string {
	if n < 1000 {
		return strconv.Itoa(n)
	}
	return fmt.Sprintf("%s,%03d", thousands(n/1000), n%1000)
}
