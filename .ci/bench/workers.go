package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/mirrorsink/mirrorsink/.ci/bench/figures"
)

// workerRounds is how often a replay with each number of workers is measured, the others in between.
const workerRounds = 5

// mostWorkers is as many as replay takes.
const mostWorkers = 64

// A crew is a replay with a number of workers, and how many million packets it got through.
type crew struct {
	workers                 int
	perSecond, perCPUSecond []float64
}

// measureWorkers replays the mirrored capture with one worker, with two, and so on until there are twice as many as CPUs.
func measureWorkers(ctx context.Context, c largeCapture) ([]crew, error) {
	cpus, err := usableCPUs()
	if err != nil {
		return nil, err
	}
	var of []contestant
	var crews []crew
	for n := 1; n <= min(2*len(cpus), mostWorkers); n *= 2 {
		one := replayOf(c, cpus)
		one.argv = append(slices.Clone(one.argv), "--workers="+strconv.Itoa(n))
		of, crews = append(of, one), append(crews, crew{workers: n})
	}
	efforts, err := contest(ctx, "numbers of workers", workerRounds, of...)
	if err != nil {
		return nil, err
	}
	for i := range crews {
		crews[i].perSecond, crews[i].perCPUSecond = of[i].perSecond(efforts[i]), of[i].perCPUSecond(efforts[i])
	}
	return crews, nil
}

// workerTable makes the rows. The first crew is of one worker.
func workerTable(crews []crew) (t table) {
	for _, c := range crews {
		title := fmt.Sprintf("replay, mirrored frames, --workers %d: ", c.workers)
		t = append(t, row{what: title + "M packets a second", values: c.perSecond})
		if c.workers > 1 {
			t = append(t, row{what: title + "of one worker's", values: figures.Ratios(c.perSecond, crews[0].perSecond)})
		}
		t = append(t, row{what: title + "M packets per CPU-second", values: c.perCPUSecond})
	}
	return t
}

// plotWorkers draws packets against workers.
func plotWorkers(crews []crew) plot {
	clock, cpu := series{name: "a second on the clock"}, series{name: "per CPU-second"}
	for _, c := range crews {
		clock.points = append(clock.points, pointOf(c.workers, c.perSecond))
		cpu.points = append(cpu.points, pointOf(c.workers, c.perCPUSecond))
	}
	return plot{
		title: "mirrorsink replay of a file, full EVE: packets against workers",
		x:     "workers", y: "million packets", base: 2, series: []series{clock, cpu},
	}
}
