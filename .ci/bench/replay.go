package main

import (
	"context"
	"os"
	"regexp"

	"github.com/mirrorsink/mirrorsink/.ci/bench/figures"
)

const program = "bin/mirrorsink"

// memory is the default of --memory, in MiB.
const memory = 512

// The bounds of a replay of the mix: relative to a plain read loop, and of mirrored frames relative to the same frames plain.
var (
	ofReadLoop = figures.Bound{Least: 0.22}
	ofPlain    = figures.Bound{Least: 0.9}
)

// replays compares the replay of each capture with a plain read loop over it, and both replays with each other.
func replays(ctx context.Context, c captures) (figures.Table, error) {
	loop, done, err := readLoop(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	cpus, err := oneCPU()
	if err != nil {
		return nil, err
	}
	candidates := []candidate{
		loopOver(loop, c.plain, cpus), replayOf(c.plain, cpus),
		loopOver(loop, c.mirrored, cpus), replayOf(c.mirrored, cpus),
	}
	costs, err := compare(ctx, "replay", pairs, candidates...)
	if err != nil {
		return nil, err
	}
	var rates [4][]float64
	for i := range candidates {
		rates[i] = candidates[i].perCPUSecond(costs[i])
	}
	plain, err := replayRows(ctx, c.plain, rates[0], rates[1], c.bound(ofReadLoop))
	if err != nil {
		return nil, err
	}
	mirrored, err := replayRows(ctx, c.mirrored, rates[2], rates[3], c.bound(ofReadLoop))
	t := append(plain, mirrored...)
	return append(t, figures.Row{Name: "replay, mirrored frames: of the plain ones'", Values: figures.Ratios(rates[3], rates[1]), Bound: c.bound(ofPlain)}), err
}

// replayRows returns the rows of a replay compared with a read loop, and of its memory.
func replayRows(ctx context.Context, c largeCapture, loop, ours []float64, bound figures.Bound) (figures.Table, error) {
	title := "replay, " + c.title
	progress("%s: memory", title)
	mem, err := peakMemory(ctx, []string{program, "replay", "--quiet", "--eve", os.DevNull, c.path}) // on all CPUs
	return figures.Table{
		{Name: title + ": M packets per CPU-second", Values: ours},
		{Name: title + ": the same, read loop", Values: loop},
		{Name: title + ": of the read loop's", Values: figures.Ratios(ours, loop), Bound: bound},
		{Name: title + ": peak memory allocated, MiB", Values: []float64{mem.anonymous}, Bound: figures.Bound{Most: memory}},
		{Name: title + ": peak memory with the mapped file, MiB", Values: []float64{mem.resident}},
	}, err
}

// replayOf returns a replay of a capture with all features.
func replayOf(c largeCapture, cpus []int) candidate {
	return candidate{
		argv:  []string{program, "replay", "--eve", os.DevNull, c.path},
		cpus:  cpus,
		count: regexp.MustCompile(`(?s)packets +(\d+) in .*events .*, 0 dropped`),
		total: int64(c.packets), packets: c.packets,
	}
}

// loopOver returns the read loop over a capture. It counts bytes.
func loopOver(loop []string, c largeCapture, cpus []int) candidate {
	return candidate{
		argv:  append(loop[:len(loop):len(loop)], c.path),
		cpus:  cpus,
		count: regexp.MustCompile(`^(\d+) `),
		total: c.bytes, packets: c.packets,
	}
}
