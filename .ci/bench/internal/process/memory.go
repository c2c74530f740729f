package process

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/mirrorsink/mirrorsink/.ci/bench/figures"
)

// Memory is a process's memory in MiB: anonymous memory, and all resident memory with the pages of mapped files.
type Memory struct{ Anonymous, Resident float64 }

// sampling is the interval at which a process's memory is sampled. The kernel keeps no peak of anonymous memory.
const sampling = 5 * time.Millisecond

// PeakMemory runs a program to its end, and returns the peak of its sampled memory. The peak in rusage is not usable, since it
// starts from the parent's.
func PeakMemory(ctx context.Context, argv []string) (Memory, error) {
	cmd := Command(ctx, argv...)
	if err := cmd.Start(); err != nil {
		return Memory{}, err
	}
	peak := WatchMemory(cmd.Process.Pid)
	err := cmd.Wait()
	if err != nil {
		err = fmt.Errorf("%s: %w", strings.Join(argv, " "), err)
	}
	return peak(), err
}

// WatchMemory starts to sample a process's memory. The returned function stops it, and returns the peak.
func WatchMemory(pid int) (peak func() Memory) {
	stop, seen := make(chan struct{}), make(chan Memory)
	go func() {
		status := fmt.Sprintf("/proc/%d/status", pid)
		tick := time.NewTicker(sampling)
		defer tick.Stop()
		var most Memory
		for {
			select {
			case <-stop:
				seen <- most
				return
			case <-tick.C:
				now := parseStatus(strings.NewReader(figures.ReadText(status)))
				most = Memory{max(most.Anonymous, now.Anonymous), max(most.Resident, now.Resident)}
			}
		}
	}()
	return func() Memory { close(stop); return <-seen }
}

// parseStatus parses /proc/PID/status, whose sizes are in KiB.
func parseStatus(r io.Reader) (m Memory) {
	for lines := bufio.NewScanner(r); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), ":")
		kib, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(value, "kB")), 64)
		if err != nil {
			continue
		}
		switch name {
		case "RssAnon":
			m.Anonymous = kib / 1024
		case "VmHWM":
			m.Resident = kib / 1024
		}
	}
	return m
}
