package scale

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"

	"github.com/mirrorsink/mirrorsink/.ci/bench/figures"
	"github.com/mirrorsink/mirrorsink/.ci/bench/internal/process"
	"github.com/mirrorsink/mirrorsink/.ci/bench/internal/traffic"
)

// replayRun is the cost of one replay of generated connections.
type replayRun struct {
	rate      float64 // millions of packets per CPU-second
	anonymous float64 // MiB, at the peak
	flows     float64 // counted
	evicted   float64
	gc        figures.Collections
}

// replayTraffic pipes connections into a replay with a memory bound in MiB; 0 is the default. The replay has one worker, like
// one worker of listen: several workers of replay share state that takes memory, so that half as many flows fit.
func replayTraffic(ctx context.Context, c *traffic.Connections, memory int) (replayRun, error) {
	argv := []string{process.Mirrorsink, "replay", "--eve", os.DevNull, "--workers=1"}
	if memory > 0 {
		argv = append(argv, fmt.Sprintf("--memory=%dMiB", memory))
	}
	in, out, err := os.Pipe()
	if err != nil {
		return replayRun{}, err
	}
	var output bytes.Buffer
	cmd := process.Command(ctx, append(argv, "-")...)
	cmd.Stdin, cmd.Stderr, cmd.Env = in, &output, append(os.Environ(), "GODEBUG=gctrace=1")
	err = cmd.Start()
	in.Close()
	if err != nil {
		out.Close()
		return replayRun{}, err
	}
	peak := process.WatchMemory(cmd.Process.Pid)
	wrote := errors.Join(c.Write(out), out.Close())
	err = cmd.Wait()
	used := peak()
	if err = errors.Join(wrote, err); err != nil {
		return replayRun{}, fmt.Errorf("replay of generated packets: %w: %s", err, output.Bytes())
	}
	cpu := process.TotalCPU(cmd.ProcessState)
	return replayRun{
		rate: float64(c.Packets()) / 1e6 / cpu.Seconds(), anonymous: used.Anonymous,
		flows: summaryCount(output.String(), "flows"), evicted: summaryCount(output.String(), "evicted flows"), gc: figures.ParseTrace(output.String()),
	}, nil
}

// summaryCount returns a count in a replay's summary, which omits counts of 0.
func summaryCount(summary, what string) float64 {
	m := regexp.MustCompile(`(?m)^` + what + ` +(\d+)`).FindStringSubmatch(summary)
	if m == nil {
		return 0
	}
	return figures.Number(m[1])
}
