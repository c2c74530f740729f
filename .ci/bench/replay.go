package main

import (
	"context"
	"os"
	"regexp"

	"github.com/mirrorsink/mirrorsink/.ci/bench/figures"
)

const program = "bin/mirrorsink"

// memory is the program's default for --memory, in MiB, which bounds what it allocates.
const memory = 512

// What is promised of a replay of the mix: of what a plain read loop gets through in a CPU-second, and of mirrored frames beside
// the same frames plain.
var (
	ofReadLoop = bound{least: 0.22}
	ofPlain    = bound{least: 0.9}
)

// replays compares the replay of each capture with a plain read loop over it, and both replays with each other.
func replays(ctx context.Context, c captures) (table, error) {
	loop, done, err := readLoop(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	cpus, err := oneCPU()
	if err != nil {
		return nil, err
	}
	of := []contestant{
		loopOver(loop, c.plain, cpus), replayOf(c.plain, cpus),
		loopOver(loop, c.mirrored, cpus), replayOf(c.mirrored, cpus),
	}
	efforts, err := contest(ctx, "replay", pairs, of...)
	if err != nil {
		return nil, err
	}
	var rates [4][]float64
	for i := range of {
		rates[i] = of[i].perCPUSecond(efforts[i])
	}
	plain, err := besideLoop(ctx, c.plain, rates[0], rates[1], c.wanted(ofReadLoop))
	if err != nil {
		return nil, err
	}
	mirrored, err := besideLoop(ctx, c.mirrored, rates[2], rates[3], c.wanted(ofReadLoop))
	t := append(plain, mirrored...)
	return append(t, row{what: "replay, mirrored frames: of the plain ones'", values: figures.Ratios(rates[3], rates[1]), wanted: c.wanted(ofPlain)}), err
}

// besideLoop makes the rows of a replay beside a read loop, and of the memory that it takes.
func besideLoop(ctx context.Context, c largeCapture, loop, ours []float64, wanted bound) (table, error) {
	title := "replay, " + c.title
	progress("%s: memory", title)
	mem, err := peakMemory(ctx, []string{program, "replay", "--quiet", "--eve", os.DevNull, c.path}) // on all CPUs
	return table{
		{what: title + ": M packets per CPU-second", values: ours},
		{what: title + ": the same, read loop", values: loop},
		{what: title + ": of the read loop's", values: figures.Ratios(ours, loop), wanted: wanted},
		{what: title + ": peak memory allocated, MiB", values: []float64{mem.anonymous}, wanted: bound{most: memory}},
		{what: title + ": peak memory with the mapped file, MiB", values: []float64{mem.resident}},
	}, err
}

// replayOf is our replay, with everything on.
func replayOf(c largeCapture, cpus []int) contestant {
	return contestant{
		argv: []string{program, "replay", "--eve", os.DevNull, c.path},
		cpus: cpus,
		says: regexp.MustCompile(`(?s)packets +(\d+) in .*events .*, 0 dropped`),
		all:  int64(c.packets), packets: c.packets,
	}
}

// loopOver is the read loop, which knows only bytes.
func loopOver(loop []string, c largeCapture, cpus []int) contestant {
	return contestant{
		argv: append(loop[:len(loop):len(loop)], c.path),
		cpus: cpus,
		says: regexp.MustCompile(`^(\d+) `),
		all:  c.bytes, packets: c.packets,
	}
}
