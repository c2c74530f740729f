package main

import (
	"context"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/mirrorsink/mirrorsink/.ci/bench/figures"
)

// A candidate is a program that reads a capture, and prints at its end how much it processed.
type candidate struct {
	argv    []string
	cpus    []int          // that it may use; none means all
	count   *regexp.Regexp // finds the processed number in its output
	total   int64          // the number that it must have processed
	packets int
}

// cost is the CPU time of a run, in user space and in the kernel, and its wall-clock time.
type cost struct{ cpu, wall time.Duration }

// compare runs every candidate in each round, in alternating order. It returns the costs of each candidate.
func compare(ctx context.Context, title string, rounds int, candidates ...candidate) ([][]cost, error) {
	costs := make([][]cost, len(candidates))
	last := -1
	err := figures.Alternate(rounds, len(candidates), func(round, i int) error {
		if round != last {
			progress("%s, round %d of %d", title, round+1, rounds)
			last = round
		}
		c, err := candidates[i].run(ctx)
		costs[i] = append(costs[i], c)
		return err
	})
	return costs, err
}

// run runs the program to its end. An incomplete count is an error.
func (c *candidate) run(ctx context.Context) (cost, error) {
	cmd := exec.CommandContext(ctx, c.argv[0], c.argv[1:]...)
	var output strings.Builder
	cmd.Stdout, cmd.Stderr = &output, &output
	start := time.Now()
	if err := startOn(c.cpus, cmd); err != nil {
		return cost{}, err
	}
	if err := cmd.Wait(); err != nil {
		return cost{}, fmt.Errorf("%s: %w: %s", strings.Join(c.argv, " "), err, output.String())
	}
	used := cost{cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), time.Since(start)}
	return used, c.check(output.String())
}

// check checks the number that the program processed.
func (c *candidate) check(output string) error {
	m := c.count.FindStringSubmatch(output)
	if m == nil {
		return fmt.Errorf("%s: its output does not match %s: %s", strings.Join(c.argv, " "), c.count, output)
	}
	if n, err := strconv.ParseInt(m[1], 10, 64); err != nil || n != c.total {
		return fmt.Errorf("%s: it processed %s, not %d", strings.Join(c.argv, " "), m[1], c.total)
	}
	return nil
}

// perCPUSecond returns millions of packets per second of CPU time.
func (c *candidate) perCPUSecond(costs []cost) (rates []float64) {
	for _, used := range costs {
		rates = append(rates, float64(c.packets)/1e6/used.cpu.Seconds())
	}
	return rates
}

// perSecond returns millions of packets per second of wall-clock time.
func (c *candidate) perSecond(costs []cost) (rates []float64) {
	for _, used := range costs {
		rates = append(rates, float64(c.packets)/1e6/used.wall.Seconds())
	}
	return rates
}
