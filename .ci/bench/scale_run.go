package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"

	"github.com/mirrorsink/mirrorsink/.ci/bench/figures"
)

// madeRun is what one replay of made conversations took.
type madeRun struct {
	rate      float64 // millions of packets per CPU-second
	anonymous float64 // MiB, at the most
	flows     float64 // that were counted
	evicted   float64
	gc        figures.Collections
}

// replayMade pipes conversations into a replay, which may take so many MiB, or the default if that is 0. It has one worker, as each
// worker of listen has its own flows: what several of replay share is in memory as well, and half as many flows fit.
func replayMade(ctx context.Context, c *conversations, memory int) (madeRun, error) {
	argv := []string{program, "replay", "--eve", "/dev/null", "--workers=1"}
	if memory > 0 {
		argv = append(argv, fmt.Sprintf("--memory=%dMiB", memory))
	}
	in, out, err := os.Pipe()
	if err != nil {
		return madeRun{}, err
	}
	var said bytes.Buffer
	cmd := command(ctx, append(argv, "-")...)
	cmd.Stdin, cmd.Stderr, cmd.Env = in, &said, append(os.Environ(), "GODEBUG=gctrace=1")
	err = cmd.Start()
	in.Close()
	if err != nil {
		out.Close()
		return madeRun{}, err
	}
	peak := watchMemory(cmd.Process.Pid)
	wrote := errors.Join(c.write(out), out.Close())
	err = cmd.Wait()
	used := peak()
	if err = errors.Join(wrote, err); err != nil {
		return madeRun{}, fmt.Errorf("replay of made packets: %w: %s", err, said.Bytes())
	}
	cpu := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	return madeRun{
		rate: float64(c.packets()) / 1e6 / cpu.Seconds(), anonymous: used.anonymous,
		flows: summaryCount(said.String(), "flows"), evicted: summaryCount(said.String(), "evicted flows"), gc: figures.ParseTrace(said.String()),
	}, nil
}

// summaryCount returns a count of a replay's summary, which leaves out those that are 0.
func summaryCount(summary, what string) float64 {
	m := regexp.MustCompile(`(?m)^` + what + ` +(\d+)`).FindStringSubmatch(summary)
	if m == nil {
		return 0
	}
	return figures.Number(m[1])
}
