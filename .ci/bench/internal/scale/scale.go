// Package scale measures replays of few and many flows, of a SYN flood, and with few and many workers.
package scale

import (
	"context"
	"log"
	"slices"

	"github.com/mirrorsink/mirrorsink/.ci/bench/figures"
	"github.com/mirrorsink/mirrorsink/.ci/bench/internal/captures"
	"github.com/mirrorsink/mirrorsink/.ci/bench/internal/plot"
	"github.com/mirrorsink/mirrorsink/.ci/bench/internal/traffic"
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

// plotFile is the file of the plots of packets against flows and against workers.
const plotFile = "docs/scale.svg"

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

// Measure replays generated connections of few and many flows, then a flood, then a capture with few and many workers. It
// draws the plots.
func Measure(ctx context.Context, c captures.Captures) (figures.Table, error) {
	all := scales()
	for round := range 3 {
		for _, s := range all {
			if round >= s.rounds {
				continue
			}
			log.Printf("%s flows at once, round %d of %d", figures.Thousands(s.open), round+1, s.rounds)
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
	rates, err := measureWorkers(ctx, c.Mirrored)
	if err != nil {
		return nil, err
	}
	return slices.Concat(t, flood, workerTable(rates)), plot.Save(plotFile, plotFlows(all), plotWorkers(rates))
}

// measure replays a capture once.
func (s *scale) measure(ctx context.Context) error {
	c, err := traffic.New(s.open, max(1, minScaledPackets/traffic.PacketsEach/s.open))
	if err != nil {
		return err
	}
	r, err := replayTraffic(ctx, c, s.memory)
	s.runs = append(s.runs, r)
	return err
}
