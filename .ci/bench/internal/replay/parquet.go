package replay

import (
	"context"
	"log"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/mirrorsink/mirrorsink/.ci/bench/figures"
	"github.com/mirrorsink/mirrorsink/.ci/bench/internal/captures"
	"github.com/mirrorsink/mirrorsink/.ci/bench/internal/process"
)

// withParquet bounds the packets per second of a replay that writes Parquet files, relative to one that does not.
var withParquet = figures.Bound{Least: 0.9}

// Parquet replays with and without Parquet files alternately, in wall-clock time: the writers have goroutines of their own, and
// the whole takes longer if they block the inspecting goroutine.
func Parquet(ctx context.Context, c captures.Capture) (figures.Table, error) {
	dir, err := os.MkdirTemp("", "mirrorsink-bench")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	plain := []string{process.Mirrorsink, "replay", "--quiet", "--eve", os.DevNull, c.Path}
	var without, with, cpuWithout, cpuWith []float64
	for i := range rounds {
		log.Printf("replay with and without Parquet, pair %d of %d", i+1, rounds)
		out := filepath.Join(dir, strconv.Itoa(i))
		for _, side := range []struct {
			argv      []string
			wall, cpu *[]float64
		}{{plain, &without, &cpuWithout}, {append(plain[:len(plain):len(plain)], "--parquet", out), &with, &cpuWith}} {
			start := time.Now()
			cpu, err := process.CPUTime(ctx, side.argv)
			if err != nil {
				return nil, err
			}
			*side.wall = append(*side.wall, float64(c.Packets)/1e6/time.Since(start).Seconds())
			*side.cpu = append(*side.cpu, cpu.Seconds())
		}
		if err := os.RemoveAll(out); err != nil {
			return nil, err
		}
	}
	title := "replay, " + c.Title
	return figures.Table{
		{Name: title + ", with Parquet: M packets a second", Values: with},
		{Name: title + ", without: the same", Values: without},
		{Name: title + ", with Parquet: of that without", Values: figures.Ratios(with, without), Bound: withParquet},
		{Name: title + ", with Parquet: CPU seconds of those without", Values: figures.Ratios(cpuWith, cpuWithout)},
	}, nil
}
