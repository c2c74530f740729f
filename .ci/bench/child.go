package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/mirrorsink/mirrorsink/.ci/bench/figures"
)

// command returns a child process whose standard error is shown and whose output is discarded.
func command(ctx context.Context, argv ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Stderr = os.Stderr
	return cmd
}

// cpuTime runs a program to its end, and returns its CPU time in user space and in the kernel, even if it failed.
func cpuTime(ctx context.Context, argv []string) (time.Duration, error) {
	cmd := command(ctx, argv...)
	err := cmd.Run()
	if err != nil {
		err = fmt.Errorf("%s: %w", strings.Join(argv, " "), err)
	}
	if cmd.ProcessState == nil {
		return 0, err // the program did not start
	}
	return cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), err
}

// usage is a process's memory in MiB: anonymous memory, and all resident memory with the pages of mapped files.
type usage struct{ anonymous, resident float64 }

// sampling is the interval at which a process's memory is sampled. The kernel keeps no peak of anonymous memory.
const sampling = 5 * time.Millisecond

// peakMemory runs a program to its end, and returns the peak of its sampled memory. The peak in rusage is not usable, since it
// starts from the parent's.
func peakMemory(ctx context.Context, argv []string) (usage, error) {
	cmd := command(ctx, argv...)
	if err := cmd.Start(); err != nil {
		return usage{}, err
	}
	peak := watchMemory(cmd.Process.Pid)
	err := cmd.Wait()
	if err != nil {
		err = fmt.Errorf("%s: %w", strings.Join(argv, " "), err)
	}
	return peak(), err
}

// watchMemory starts to sample a process's memory. The returned function stops it, and returns the peak.
func watchMemory(pid int) (peak func() usage) {
	stop, seen := make(chan struct{}), make(chan usage)
	go func() {
		status := fmt.Sprintf("/proc/%d/status", pid)
		tick := time.NewTicker(sampling)
		defer tick.Stop()
		var most usage
		for {
			select {
			case <-stop:
				seen <- most
				return
			case <-tick.C:
				now := parseStatus(strings.NewReader(figures.ReadText(status)))
				most = usage{max(most.anonymous, now.anonymous), max(most.resident, now.resident)}
			}
		}
	}()
	return func() usage { close(stop); return <-seen }
}

// parseStatus parses /proc/PID/status, whose sizes are in KiB.
func parseStatus(r io.Reader) (u usage) {
	for lines := bufio.NewScanner(r); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), ":")
		kib, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(value, "kB")), 64)
		if err != nil {
			continue
		}
		switch name {
		case "RssAnon":
			u.anonymous = kib / 1024
		case "VmHWM":
			u.resident = kib / 1024
		}
	}
	return u
}
