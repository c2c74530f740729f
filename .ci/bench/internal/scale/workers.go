package scale

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/mirrorsink/mirrorsink/.ci/bench/figures"
	"github.com/mirrorsink/mirrorsink/.ci/bench/internal/captures"
	"github.com/mirrorsink/mirrorsink/.ci/bench/internal/compare"
	"github.com/mirrorsink/mirrorsink/.ci/bench/internal/plot"
	"github.com/mirrorsink/mirrorsink/.ci/bench/internal/process"
	"github.com/mirrorsink/mirrorsink/.ci/bench/internal/replay"
)

// workerRounds is the number of rounds over all numbers of workers.
const workerRounds = 5

// maxWorkers is the limit of replay --workers.
const maxWorkers = 64

// workerRates is the rates of a replay with a number of workers, in millions of packets.
type workerRates struct {
	workers                 int
	perSecond, perCPUSecond []float64
}

// measureWorkers replays the mirrored capture with 1, 2, 4 and more workers, up to twice the number of CPUs.
func measureWorkers(ctx context.Context, c captures.Capture) ([]workerRates, error) {
	cpus, err := process.UsableCPUs()
	if err != nil {
		return nil, err
	}
	var candidates []compare.Candidate
	var rates []workerRates
	for n := 1; n <= min(2*len(cpus), maxWorkers); n *= 2 {
		one := replay.Of(c, cpus)
		one.Argv = append(slices.Clone(one.Argv), "--workers="+strconv.Itoa(n))
		candidates, rates = append(candidates, one), append(rates, workerRates{workers: n})
	}
	costs, err := compare.Run(ctx, "numbers of workers", workerRounds, candidates...)
	if err != nil {
		return nil, err
	}
	for i := range rates {
		rates[i].perSecond, rates[i].perCPUSecond = candidates[i].PerSecond(costs[i]), candidates[i].PerCPUSecond(costs[i])
	}
	return rates, nil
}

// workerTable returns the rows. The first rates are those of one worker.
func workerTable(rates []workerRates) (t figures.Table) {
	for _, c := range rates {
		title := fmt.Sprintf("replay, mirrored frames, --workers %d: ", c.workers)
		t = append(t, figures.Row{Name: title + "M packets a second", Values: c.perSecond})
		if c.workers > 1 {
			t = append(t, figures.Row{Name: title + "of one worker's", Values: figures.Ratios(c.perSecond, rates[0].perSecond)})
		}
		t = append(t, figures.Row{Name: title + "M packets per CPU-second", Values: c.perCPUSecond})
	}
	return t
}

// plotWorkers returns the plot of packets against workers.
func plotWorkers(rates []workerRates) plot.Plot {
	clock, cpu := plot.Series{Name: "per second"}, plot.Series{Name: "per CPU-second"}
	for _, c := range rates {
		clock.Points = append(clock.Points, plot.PointOf(c.workers, c.perSecond))
		cpu.Points = append(cpu.Points, plot.PointOf(c.workers, c.perCPUSecond))
	}
	return plot.Plot{
		Title: "mirrorsink replay of a file, full EVE: packets against workers",
		X:     "workers", Y: "million packets", Base: 2, Series: []plot.Series{clock, cpu},
	}
}
