package main

import (
	"context"

	"github.com/mirrorsink/mirrorsink/.ci/bench/figures"
)

// onTwo is what is promised of two CPUs beside one, on the clock.
var onTwo = bound{least: 1.7}

// cores compares a replay that may use two CPUs with one that may use one.
func cores(ctx context.Context, c captures) (table, error) {
	cpus, err := usableCPUs()
	if err != nil {
		return nil, err
	}
	if len(cpus) < 2 {
		return table{{what: "two CPUs beside one", leftOut: "this process may use one CPU only"}}, nil
	}
	one, two := replayOf(c.mirrored, cpus[1:2]), replayOf(c.mirrored, cpus[:2])
	efforts, err := contest(ctx, "one CPU and two", rounds, one, two)
	if err != nil {
		return nil, err
	}
	single, double := one.perSecond(efforts[0]), two.perSecond(efforts[1])
	return table{
		{what: "replay on one CPU: M packets a second", values: single},
		{what: "replay on two CPUs: M packets a second", values: double},
		{what: "replay on two CPUs: of one CPU's", values: figures.Ratios(double, single), wanted: c.wanted(onTwo)},
		{what: "replay on two CPUs: M packets per CPU-second", values: two.perCPUSecond(efforts[1])},
	}, nil
}
