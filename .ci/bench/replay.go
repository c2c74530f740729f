package main

import (
	"context"
	"fmt"
)

const program = "bin/mirrorsink"

// memory is the program's default for --memory, in MiB, which bounds what it allocates.
const memory = 512

// replays compares the replay of each capture with a plain read loop over it.
func replays(ctx context.Context, captures []capture) (t table, err error) {
	loop, done, err := readLoop(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	for _, c := range captures {
		rows, err := compareReplay(ctx, c, loop)
		if err != nil {
			return nil, err
		}
		t = append(t, rows...)
	}
	return t, nil
}

// compareReplay runs loop and replay in turns, once before to warm the page cache and to see what memory a replay takes.
func compareReplay(ctx context.Context, c capture, loop []string) (table, error) {
	loop = append(loop[:len(loop):len(loop)], c.path)
	replay := []string{program, "replay", "--quiet", "--eve", "/dev/null", c.path}
	progress("replay of %s, %d packets: warming up", c.path, c.packets)
	if _, err := cpuTime(ctx, loop); err != nil {
		return nil, err
	}
	mem, err := peakMemory(ctx, replay)
	if err != nil {
		return nil, err
	}
	var plain, ours []float64 // millions of packets per CPU-second
	for i := range pairs {
		progress("replay, pair %d of %d", i+1, pairs)
		for _, side := range []struct {
			argv []string
			into *[]float64
		}{{loop, &plain}, {replay, &ours}} {
			cpu, err := cpuTime(ctx, side.argv)
			if err != nil {
				return nil, err
			}
			*side.into = append(*side.into, float64(c.packets)/1e6/cpu.Seconds())
		}
	}
	title := fmt.Sprintf("replay, %s", c.title)
	return table{
		{what: title + ": M packets per CPU-second", values: ours},
		{what: title + ": the same, read loop", values: plain},
		{what: title + ": of the read loop's", values: ratios(ours, plain), wanted: c.wanted},
		{what: title + ": peak memory allocated, MiB", values: []float64{mem.anonymous}, wanted: bound{most: memory}},
		{what: title + ": peak memory with the mapped file, MiB", values: []float64{mem.resident}},
	}, nil
}
