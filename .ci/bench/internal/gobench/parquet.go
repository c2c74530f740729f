package gobench

import (
	"context"
	"fmt"
	"log"
	"os"
	"os/exec"
	"regexp"
	"strconv"

	"github.com/mirrorsink/mirrorsink/.ci/bench/figures"
)

// parquetRecords bounds the Parquet writer's rate, in millions of records per CPU-second.
var parquetRecords = figures.Bound{Least: 1}

const (
	parquetPackage = "inspect/export/parquet"
	parquetTime    = "1s" // of the benchmark in each round
)

var parquetResult = regexp.MustCompile(`(?m)^BenchmarkParquet/aws\S*\s.*\s([0-9.]+) records/cpu-s`)

// Parquet runs BenchmarkParquet of package inspect/export/parquet.
func Parquet(ctx context.Context) (figures.Table, error) {
	binary, remove, err := testBinary(ctx, parquetPackage)
	if err != nil {
		return nil, fmt.Errorf("build the writer's benchmarks: %w", err)
	}
	defer remove()
	var millions []float64
	for i := range rounds {
		log.Printf("Parquet, round %d of %d", i+1, rounds)
		cmd := exec.CommandContext(ctx, binary, "-test.run=^$", "-test.bench=^BenchmarkParquet$/^aws$", "-test.benchtime="+parquetTime)
		cmd.Dir, cmd.Stderr = parquetPackage, os.Stderr
		out, err := cmd.Output()
		if err != nil {
			return nil, fmt.Errorf("run the writer's benchmarks: %w", err)
		}
		m := parquetResult.FindSubmatch(out)
		if m == nil {
			return nil, fmt.Errorf("BenchmarkParquet printed no records/cpu-s: %s", out)
		}
		v, err := strconv.ParseFloat(string(m[1]), 64)
		if err != nil {
			return nil, err
		}
		millions = append(millions, v/1e6)
	}
	return figures.Table{{Name: "Parquet: M records per CPU-second", Values: millions, Bound: parquetRecords}}, nil
}
