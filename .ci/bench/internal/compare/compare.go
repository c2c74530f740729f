// Package compare runs programs alternately over the same capture, and returns what each run costs.
package compare

import (
	"context"
	"fmt"
	"log"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/mirrorsink/mirrorsink/.ci/bench/figures"
	"github.com/mirrorsink/mirrorsink/.ci/bench/internal/process"
)

// A Candidate is a program that reads a capture, and prints at its end how much it processed.
type Candidate struct {
	Argv    []string
	CPUs    []int          // that it may use; none means all
	Count   *regexp.Regexp // finds the processed number in its output
	Total   int64          // the number that it must have processed
	Packets int
}

// Cost is the CPU time of a run, in user space and in the kernel, and its wall-clock time.
type Cost struct{ CPU, Wall time.Duration }

// Run runs every candidate in each round, in alternating order. It returns the costs of each candidate.
func Run(ctx context.Context, title string, rounds int, candidates ...Candidate) ([][]Cost, error) {
	costs := make([][]Cost, len(candidates))
	last := -1
	err := figures.Alternate(rounds, len(candidates), func(round, i int) error {
		if round != last {
			log.Printf("%s, round %d of %d", title, round+1, rounds)
			last = round
		}
		c, err := candidates[i].run(ctx)
		costs[i] = append(costs[i], c)
		return err
	})
	return costs, err
}

// run runs the program to its end. An incomplete count is an error.
func (c *Candidate) run(ctx context.Context) (Cost, error) {
	cmd := exec.CommandContext(ctx, c.Argv[0], c.Argv[1:]...)
	var output strings.Builder
	cmd.Stdout, cmd.Stderr = &output, &output
	start := time.Now()
	if err := process.StartOn(c.CPUs, cmd); err != nil {
		return Cost{}, err
	}
	if err := cmd.Wait(); err != nil {
		return Cost{}, fmt.Errorf("%s: %w: %s", strings.Join(c.Argv, " "), err, output.String())
	}
	return Cost{process.TotalCPU(cmd.ProcessState), time.Since(start)}, c.Check(output.String())
}

// Check returns an error if the number in the program's output is not the total.
func (c *Candidate) Check(output string) error {
	m := c.Count.FindStringSubmatch(output)
	if m == nil {
		return fmt.Errorf("%s: its output does not match %s: %s", strings.Join(c.Argv, " "), c.Count, output)
	}
	if n, err := strconv.ParseInt(m[1], 10, 64); err != nil || n != c.Total {
		return fmt.Errorf("%s: it processed %s, not %d", strings.Join(c.Argv, " "), m[1], c.Total)
	}
	return nil
}

// PerCPUSecond returns millions of packets per second of CPU time.
func (c *Candidate) PerCPUSecond(costs []Cost) (rates []float64) {
	for _, used := range costs {
		rates = append(rates, float64(c.Packets)/1e6/used.CPU.Seconds())
	}
	return rates
}

// PerSecond returns millions of packets per second of wall-clock time.
func (c *Candidate) PerSecond(costs []Cost) (rates []float64) {
	for _, used := range costs {
		rates = append(rates, float64(c.Packets)/1e6/used.Wall.Seconds())
	}
	return rates
}
