package main

import (
	"context"
	"os"
	"regexp"
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
	var t table
	var contestants []contestant
	for _, of := range []capture{c.plain, c.mirrored} {
		contestants = append(contestants, loopOver(loop, of, cpus), replayOf(of, cpus))
	}
	efforts, err := contest(ctx, "replay", pairs, contestants...)
	if err != nil {
		return nil, err
	}
	var rates [4][]float64
	for i := range contestants {
		rates[i] = contestants[i].perCPUSecond(efforts[i])
	}
	for i, of := range []capture{c.plain, c.mirrored} {
		title := "replay, " + of.title
		read, ours := rates[2*i], rates[2*i+1]
		t = append(t,
			row{what: title + ": M packets per CPU-second", values: ours},
			row{what: title + ": the same, read loop", values: read},
			row{what: title + ": of the read loop's", values: ratios(ours, read), wanted: c.wanted(ofReadLoop)})
		held, err := replayMemory(ctx, title, of)
		if err != nil {
			return nil, err
		}
		t = append(t, held...)
	}
	return append(t, row{what: "replay, mirrored frames: of the plain ones'", values: ratios(rates[3], rates[1]), wanted: c.wanted(ofPlain)}), nil
}

// replayOf is our replay, with everything on.
func replayOf(c capture, cpus []int) contestant {
	return contestant{
		argv: []string{program, "replay", "--eve", os.DevNull, c.path},
		cpus: cpus,
		says: regexp.MustCompile(`(?s)packets +(\d+) in .*events .*, 0 dropped`),
		all:  int64(c.packets), packets: c.packets,
	}
}

// loopOver is the read loop, which knows only bytes.
func loopOver(loop []string, c capture, cpus []int) contestant {
	return contestant{
		argv: append(loop[:len(loop):len(loop)], c.path),
		cpus: cpus,
		says: regexp.MustCompile(`^(\d+) `),
		all:  c.bytes, packets: c.packets,
	}
}

// replayMemory sees how much memory a replay takes on all CPUs.
func replayMemory(ctx context.Context, title string, c capture) (table, error) {
	progress("%s: memory", title)
	mem, err := peakMemory(ctx, []string{program, "replay", "--quiet", "--eve", os.DevNull, c.path})
	if err != nil {
		return nil, err
	}
	return table{
		{what: title + ": peak memory allocated, MiB", values: []float64{mem.anonymous}, wanted: bound{most: memory}},
		{what: title + ": peak memory with the mapped file, MiB", values: []float64{mem.resident}},
	}, nil
}
