package main

import (
	"context"

	"github.com/mirrorsink/mirrorsink/.ci/bench/figures"
)

// onTwo bounds the rate of two CPUs relative to one, in wall-clock time.
var onTwo = figures.Bound{Least: 1.7}

// cores compares a replay on two CPUs with one on one CPU.
func cores(ctx context.Context, c captures) (figures.Table, error) {
	cpus, err := usableCPUs()
	if err != nil {
		return nil, err
	}
	if len(cpus) < 2 {
		return figures.Table{{Name: "two CPUs, compared with one", Skipped: "this process may use one CPU only"}}, nil
	}
	one, two := replayOf(c.mirrored, cpus[1:2]), replayOf(c.mirrored, cpus[:2])
	costs, err := compare(ctx, "one CPU and two", rounds, one, two)
	if err != nil {
		return nil, err
	}
	single, double := one.perSecond(costs[0]), two.perSecond(costs[1])
	return figures.Table{
		{Name: "replay on one CPU: M packets a second", Values: single},
		{Name: "replay on two CPUs: M packets a second", Values: double},
		{Name: "replay on two CPUs: of one CPU's", Values: figures.Ratios(double, single), Bound: c.bound(onTwo)},
		{Name: "replay on two CPUs: M packets per CPU-second", Values: two.perCPUSecond(costs[1])},
	}, nil
}
