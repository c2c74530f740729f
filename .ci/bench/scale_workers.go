package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/mirrorsink/mirrorsink/.ci/bench/figures"
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
func measureWorkers(ctx context.Context, c largeCapture) ([]workerRates, error) {
	cpus, err := usableCPUs()
	if err != nil {
		return nil, err
	}
	var candidates []candidate
	var rates []workerRates
	for n := 1; n <= min(2*len(cpus), maxWorkers); n *= 2 {
		one := replayOf(c, cpus)
		one.argv = append(slices.Clone(one.argv), "--workers="+strconv.Itoa(n))
		candidates, rates = append(candidates, one), append(rates, workerRates{workers: n})
	}
	costs, err := compare(ctx, "numbers of workers", workerRounds, candidates...)
	if err != nil {
		return nil, err
	}
	for i := range rates {
		rates[i].perSecond, rates[i].perCPUSecond = candidates[i].perSecond(costs[i]), candidates[i].perCPUSecond(costs[i])
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
func plotWorkers(rates []workerRates) plot {
	clock, cpu := series{name: "per second"}, series{name: "per CPU-second"}
	for _, c := range rates {
		clock.points = append(clock.points, pointOf(c.workers, c.perSecond))
		cpu.points = append(cpu.points, pointOf(c.workers, c.perCPUSecond))
	}
	return plot{
		title: "mirrorsink replay of a file, full EVE: packets against workers",
		x:     "workers", y: "million packets", base: 2, series: []series{clock, cpu},
	}
}
