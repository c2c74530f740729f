package main

import (
	"context"
	"fmt"
	"os/exec"
	"regexp"

	"github.com/mirrorsink/mirrorsink/.ci/bench/figures"
)

// How often and for how long what windows add is measured: many short rounds, since it is little, and the time is the clock's.
const (
	windowRounds = 15
	windowTime   = "200ms"
)

// withWindows is what is promised of a packet's time where flows are counted by aggregation windows, beside that without.
var withWindows = bound{most: 1.1}

// windows compares a worker that counts flows by aggregation windows with one that does not, on packets of known flows: two
// benchmarks of package inspect, in turns, on one CPU.
func windows(ctx context.Context) (table, error) {
	binary, remove, err := testBinary(ctx, "inspect")
	if err != nil {
		return nil, fmt.Errorf("build the worker's benchmarks: %w", err)
	}
	defer remove()
	cpus, err := oneCPU()
	if err != nil {
		return nil, err
	}
	names := []string{"BenchmarkKnownFlows", "BenchmarkAggregating"}
	nanos := map[string][]float64{}
	for i := range 2 * windowRounds {
		name := names[(i+i/2)%2] // one that was second is first in the next round
		if i%2 == 0 {
			progress("aggregation windows, round %d of %d", i/2+1, windowRounds)
		}
		v, err := benchmarkPacket(ctx, binary, name, cpus)
		if err != nil {
			return nil, err
		}
		nanos[name] = append(nanos[name], v)
	}
	without, with := nanos[names[0]], nanos[names[1]]
	return table{
		{what: "known flows: ns a packet", values: without},
		{what: "known flows, aggregation windows: ns a packet", values: with},
		{what: "known flows, aggregation windows: of the time without", values: figures.Ratios(with, without), wanted: withWindows},
	}, nil
}

// packetTime is what a benchmark says of a packet.
var packetTime = regexp.MustCompile(`(?m)^Benchmark\S+\s.*\s([0-9.]+) ns/packet`)

// benchmarkPacket runs one benchmark and returns how many nanoseconds a packet took.
func benchmarkPacket(ctx context.Context, binary, name string, cpus []int) (float64, error) {
	cmd := exec.CommandContext(ctx, binary, "-test.run=^$", "-test.cpu=1", "-test.bench=^"+name+"$", "-test.benchtime="+windowTime)
	cmd.Dir = "inspect"
	out, err := outputOn(cpus, cmd)
	if err != nil {
		return 0, fmt.Errorf("%s: %w: %s", name, err, out)
	}
	m := packetTime.FindSubmatch(out)
	if m == nil {
		return 0, fmt.Errorf("%s does not say how long a packet took: %s", name, out)
	}
	return figures.Number(string(m[1])), nil
}
