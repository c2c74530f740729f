// Package replay compares replays of the large captures: with a plain read loop, on one CPU and two, and with Parquet files.
package replay

import (
	"context"
	"log"
	"os"
	"regexp"

	"github.com/mirrorsink/mirrorsink/.ci/bench/figures"
	"github.com/mirrorsink/mirrorsink/.ci/bench/internal/captures"
	"github.com/mirrorsink/mirrorsink/.ci/bench/internal/compare"
	"github.com/mirrorsink/mirrorsink/.ci/bench/internal/process"
)

// rounds is the number of rounds of a comparison.
const rounds = 9

// memory is the default of --memory, in MiB.
const memory = 512

// The bounds of a replay of the mix: relative to a plain read loop, and of mirrored frames relative to the same frames plain.
var (
	ofReadLoop = figures.Bound{Least: 0.22}
	ofPlain    = figures.Bound{Least: 0.9}
)

// Measure compares the replay of each capture with a plain read loop over it, and both replays with each other.
func Measure(ctx context.Context, c captures.Captures) (figures.Table, error) {
	loop, done, err := readLoop(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	cpus, err := process.OneCPU()
	if err != nil {
		return nil, err
	}
	candidates := []compare.Candidate{
		loopOver(loop, c.Plain, cpus), Of(c.Plain, cpus),
		loopOver(loop, c.Mirrored, cpus), Of(c.Mirrored, cpus),
	}
	costs, err := compare.Run(ctx, "replay", rounds, candidates...)
	if err != nil {
		return nil, err
	}
	var rates [4][]float64
	for i := range candidates {
		rates[i] = candidates[i].PerCPUSecond(costs[i])
	}
	plain, err := replayRows(ctx, c.Plain, rates[0], rates[1], c.Bound(ofReadLoop))
	if err != nil {
		return nil, err
	}
	mirrored, err := replayRows(ctx, c.Mirrored, rates[2], rates[3], c.Bound(ofReadLoop))
	t := append(plain, mirrored...)
	return append(t, figures.Row{Name: "replay, mirrored frames: of the plain ones'", Values: figures.Ratios(rates[3], rates[1]), Bound: c.Bound(ofPlain)}), err
}

// replayRows returns the rows of a replay compared with a read loop, and of its memory.
func replayRows(ctx context.Context, c captures.Capture, loop, ours []float64, bound figures.Bound) (figures.Table, error) {
	title := "replay, " + c.Title
	log.Printf("%s: memory", title)
	mem, err := process.PeakMemory(ctx, []string{process.Mirrorsink, "replay", "--quiet", "--eve", os.DevNull, c.Path}) // on all CPUs
	return figures.Table{
		{Name: title + ": M packets per CPU-second", Values: ours},
		{Name: title + ": the same, read loop", Values: loop},
		{Name: title + ": of the read loop's", Values: figures.Ratios(ours, loop), Bound: bound},
		{Name: title + ": peak memory allocated, MiB", Values: []float64{mem.Anonymous}, Bound: figures.Bound{Most: memory}},
		{Name: title + ": peak memory with the mapped file, MiB", Values: []float64{mem.Resident}},
	}, err
}

// Of returns a replay of a capture with all features.
func Of(c captures.Capture, cpus []int) compare.Candidate {
	return compare.Candidate{
		Argv:  []string{process.Mirrorsink, "replay", "--eve", os.DevNull, c.Path},
		CPUs:  cpus,
		Count: regexp.MustCompile(`(?s)packets +(\d+) in .*events .*, 0 dropped`),
		Total: int64(c.Packets), Packets: c.Packets,
	}
}

// loopOver returns the read loop over a capture. It counts bytes.
func loopOver(loop []string, c captures.Capture, cpus []int) compare.Candidate {
	return compare.Candidate{
		Argv:  append(loop[:len(loop):len(loop)], c.Path),
		CPUs:  cpus,
		Count: regexp.MustCompile(`^(\d+) `),
		Total: c.Bytes, Packets: c.Packets,
	}
}
