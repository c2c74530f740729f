package main

import (
	"context"
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A contestant is a program that goes through a capture, and says at its end how much it has processed.
type contestant struct {
	argv    []string
	cpus    []int          // that it may use; all if there are none
	says    *regexp.Regexp // finds in its output how much that was
	all     int64          // of what it says
	packets int
}

// effort is what one run took: CPU time, its own and the kernel's for it, and time on the clock.
type effort struct{ cpu, wall time.Duration }

// contest runs every contestant so many times, in turns: back and forth, so that nobody always comes first. The result has the
// efforts of each.
func contest(ctx context.Context, title string, times int, of ...contestant) ([][]effort, error) {
	efforts := make([][]effort, len(of))
	order := make([]int, len(of))
	for i := range order {
		order[i] = i
	}
	for n := range times {
		progress("%s, round %d of %d", title, n+1, times)
		for _, i := range order {
			e, err := of[i].run(ctx)
			if err != nil {
				return nil, err
			}
			efforts[i] = append(efforts[i], e)
		}
		slices.Reverse(order)
	}
	return efforts, nil
}

// run runs the program to its end. That it did not process everything is an error.
func (c *contestant) run(ctx context.Context) (effort, error) {
	cmd := exec.CommandContext(ctx, c.argv[0], c.argv[1:]...)
	var output strings.Builder
	cmd.Stdout, cmd.Stderr = &output, &output
	start := time.Now()
	if err := startOn(c.cpus, cmd); err != nil {
		return effort{}, err
	}
	if err := cmd.Wait(); err != nil {
		return effort{}, fmt.Errorf("%s: %w: %s", strings.Join(c.argv, " "), err, output.String())
	}
	e := effort{cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), time.Since(start)}
	return e, c.check(output.String())
}

// check holds that the program has processed everything.
func (c *contestant) check(output string) error {
	m := c.says.FindStringSubmatch(output)
	if m == nil {
		return fmt.Errorf("%s: its output does not match %s: %s", strings.Join(c.argv, " "), c.says, output)
	}
	if n, err := strconv.ParseInt(m[1], 10, 64); err != nil || n != c.all {
		return fmt.Errorf("%s: it says that it processed %s, not %d", strings.Join(c.argv, " "), m[1], c.all)
	}
	return nil
}

// perCPUSecond returns millions of packets for each second of CPU time.
func (c *contestant) perCPUSecond(efforts []effort) (rates []float64) {
	for _, e := range efforts {
		rates = append(rates, float64(c.packets)/1e6/e.cpu.Seconds())
	}
	return rates
}

// perSecond returns millions of packets for each second on the clock.
func (c *contestant) perSecond(efforts []effort) (rates []float64) {
	for _, e := range efforts {
		rates = append(rates, float64(c.packets)/1e6/e.wall.Seconds())
	}
	return rates
}
