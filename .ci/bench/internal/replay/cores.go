package replay

import (
	"context"

	"github.com/mirrorsink/mirrorsink/.ci/bench/figures"
	"github.com/mirrorsink/mirrorsink/.ci/bench/internal/captures"
	"github.com/mirrorsink/mirrorsink/.ci/bench/internal/compare"
	"github.com/mirrorsink/mirrorsink/.ci/bench/internal/process"
)

// coresRounds is the number of rounds on one CPU and on two.
const coresRounds = 7

// onTwo bounds the rate of two CPUs relative to one, in wall-clock time.
var onTwo = figures.Bound{Least: 1.7}

// Cores compares a replay on two CPUs with one on one CPU.
func Cores(ctx context.Context, c captures.Captures) (figures.Table, error) {
	cpus, err := process.UsableCPUs()
	if err != nil {
		return nil, err
	}
	if len(cpus) < 2 {
		return figures.Table{{Name: "two CPUs, compared with one", Skipped: "this process may use one CPU only"}}, nil
	}
	one, two := Of(c.Mirrored, cpus[1:2]), Of(c.Mirrored, cpus[:2])
	costs, err := compare.Run(ctx, "one CPU and two", coresRounds, one, two)
	if err != nil {
		return nil, err
	}
	single, double := one.PerSecond(costs[0]), two.PerSecond(costs[1])
	return figures.Table{
		{Name: "replay on one CPU: M packets a second", Values: single},
		{Name: "replay on two CPUs: M packets a second", Values: double},
		{Name: "replay on two CPUs: of one CPU's", Values: figures.Ratios(double, single), Bound: c.Bound(onTwo)},
		{Name: "replay on two CPUs: M packets per CPU-second", Values: two.PerCPUSecond(costs[1])},
	}, nil
}
