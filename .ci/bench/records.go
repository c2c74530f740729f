package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"time"

	"github.com/mirrorsink/mirrorsink/.ci/bench/figures"
)

// The aims of writing records: a million per second and core, and at least nine tenths of the packets per second of a replay
// without them.
var (
	parquetAim     = figures.Bound{Least: 1}
	withParquetAim = figures.Bound{Least: 0.9}
	recordsTime    = "1s" // of a benchmark in each round
)

// records measures the Parquet writer alone, and a replay that writes Parquet besides events.
func records(ctx context.Context, c captures) (t figures.Table, err error) {
	dir, err := os.MkdirTemp("", "mirrorsink-bench")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	perSecond, err := parquetRecords(ctx)
	if err != nil {
		return nil, err
	}
	t = figures.Table{{Name: "Parquet: M records per CPU-second", Values: perSecond, Bound: parquetAim}}
	rows, err := compareWriting(ctx, dir, c.mirrored)
	return append(t, rows...), err
}

var recordsResult = regexp.MustCompile(`(?m)^BenchmarkParquet/aws\S*\s.*\s([0-9.]+) records/cpu-s`)

// parquetRecords runs BenchmarkParquet of package inspect/export/parquet.
func parquetRecords(ctx context.Context) (millions []float64, err error) {
	binary, remove, err := testBinary(ctx, "inspect/export/parquet")
	if err != nil {
		return nil, fmt.Errorf("build the writer's benchmarks: %w", err)
	}
	defer remove()
	for i := range rounds {
		progress("Parquet, round %d of %d", i+1, rounds)
		cmd := exec.CommandContext(ctx, binary, "-test.run=^$", "-test.bench=^BenchmarkParquet$/^aws$", "-test.benchtime="+recordsTime)
		cmd.Dir, cmd.Stderr = "inspect/export/parquet", os.Stderr
		out, err := cmd.Output()
		if err != nil {
			return nil, fmt.Errorf("run the writer's benchmarks: %w", err)
		}
		m := recordsResult.FindSubmatch(out)
		if m == nil {
			return nil, fmt.Errorf("BenchmarkParquet printed no records/cpu-s: %s", out)
		}
		v, err := strconv.ParseFloat(string(m[1]), 64)
		if err != nil {
			return nil, err
		}
		millions = append(millions, v/1e6)
	}
	return millions, nil
}

// compareWriting replays with and without Parquet alternately, in wall-clock time: the writers have goroutines of their own, and
// the whole takes longer if they block the inspecting goroutine.
func compareWriting(ctx context.Context, dir string, c largeCapture) (figures.Table, error) {
	plain := []string{program, "replay", "--quiet", "--eve", "/dev/null", c.path}
	var without, with, cpuWithout, cpuWith []float64
	for i := range pairs {
		progress("replay with and without Parquet, pair %d of %d", i+1, pairs)
		out := filepath.Join(dir, strconv.Itoa(i))
		for _, side := range []struct {
			argv      []string
			wall, cpu *[]float64
		}{{plain, &without, &cpuWithout}, {append(plain[:len(plain):len(plain)], "--parquet", out), &with, &cpuWith}} {
			start := time.Now()
			cpu, err := cpuTime(ctx, side.argv)
			if err != nil {
				return nil, err
			}
			*side.wall = append(*side.wall, float64(c.packets)/1e6/time.Since(start).Seconds())
			*side.cpu = append(*side.cpu, cpu.Seconds())
		}
		if err := os.RemoveAll(out); err != nil {
			return nil, err
		}
	}
	title := "replay, " + c.title
	return figures.Table{
		{Name: title + ", with Parquet: M packets a second", Values: with},
		{Name: title + ", without: the same", Values: without},
		{Name: title + ", with Parquet: of that without", Values: figures.Ratios(with, without), Bound: withParquetAim},
		{Name: title + ", with Parquet: CPU seconds of those without", Values: figures.Ratios(cpuWith, cpuWithout)},
	}, nil
}
