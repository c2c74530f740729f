package gobench

import (
	"context"
	"fmt"
	"log"
	"os/exec"
	"regexp"

	"github.com/mirrorsink/mirrorsink/.ci/bench/figures"
	"github.com/mirrorsink/mirrorsink/.ci/bench/internal/process"
)

// The rounds and the time of each. The difference is small and measured in wall-clock time, so there are many short rounds.
const (
	windowRounds = 15
	windowTime   = "200ms"
)

// withWindows bounds the time of a packet with aggregation windows, relative to the time without.
var withWindows = figures.Bound{Most: 1.1}

// Windows compares a worker that counts flows by aggregation windows with one that does not, on packets of known flows. It runs
// two benchmarks of package inspect alternately on one CPU.
func Windows(ctx context.Context) (figures.Table, error) {
	binary, remove, err := testBinary(ctx, "inspect")
	if err != nil {
		return nil, fmt.Errorf("build the worker's benchmarks: %w", err)
	}
	defer remove()
	cpus, err := process.OneCPU()
	if err != nil {
		return nil, err
	}
	names := []string{"BenchmarkKnownFlows", "BenchmarkAggregating"}
	nanos := map[string][]float64{}
	log.Printf("aggregation windows, %d rounds", windowRounds)
	err = figures.Alternate(windowRounds, len(names), func(_, i int) error {
		v, err := benchmarkPacket(ctx, binary, names[i], cpus)
		nanos[names[i]] = append(nanos[names[i]], v)
		return err
	})
	if err != nil {
		return nil, err
	}
	without, with := nanos[names[0]], nanos[names[1]]
	return figures.Table{
		{Name: "known flows: ns a packet", Values: without},
		{Name: "known flows, aggregation windows: ns a packet", Values: with},
		{Name: "known flows, aggregation windows: of the time without", Values: figures.Ratios(with, without), Bound: withWindows},
	}, nil
}

// packetTime matches a benchmark's time per packet.
var packetTime = regexp.MustCompile(`(?m)^Benchmark\S+\s.*\s([0-9.]+) ns/packet`)

// benchmarkPacket runs one benchmark, and returns the nanoseconds per packet.
func benchmarkPacket(ctx context.Context, binary, name string, cpus []int) (float64, error) {
	cmd := exec.CommandContext(ctx, binary, "-test.run=^$", "-test.cpu=1", "-test.bench=^"+name+"$", "-test.benchtime="+windowTime)
	cmd.Dir = "inspect"
	out, err := process.OutputOn(cpus, cmd)
	if err != nil {
		return 0, fmt.Errorf("%s: %w: %s", name, err, out)
	}
	m := packetTime.FindSubmatch(out)
	if m == nil {
		return 0, fmt.Errorf("%s printed no ns/packet: %s", name, out)
	}
	return figures.Number(string(m[1])), nil
}
