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
)

// command is a child process whose complaints are seen and whose output is not.
func command(ctx context.Context, argv ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Stderr = os.Stderr
	return cmd
}

// cpuTime runs a program to its end and returns the CPU time that it took, its own and the kernel's for it, also if it failed.
func cpuTime(ctx context.Context, argv []string) (time.Duration, error) {
	cmd := command(ctx, argv...)
	err := cmd.Run()
	if err != nil {
		err = fmt.Errorf("%s: %w", strings.Join(argv, " "), err)
	}
	if cmd.ProcessState == nil {
		return 0, err // it did not start
	}
	return cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), err
}

// usage is a process's memory in MiB: what it allocated, and all of it, pages of mapped files included.
type usage struct{ anonymous, resident float64 }

// sampling is how often a process's memory is looked at. The kernel keeps no peak of anonymous memory alone.
const sampling = 5 * time.Millisecond

// peakMemory runs a program to its end and returns the most memory that it was seen to have. It does not use the peak in
// rusage, which starts from that of the parent.
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

// watchMemory begins to look at a process's memory. The function that it returns ends that, and returns the most that was seen.
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
				now := parseStatus(strings.NewReader(slurp(status)))
				most = usage{max(most.anonymous, now.anonymous), max(most.resident, now.resident)}
			}
		}
	}()
	return func() usage { close(stop); return <-seen }
}

// parseStatus reads /proc/PID/status, whose sizes are in KiB.
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
