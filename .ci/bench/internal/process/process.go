// Package process runs the programs that make bench measures: on chosen CPUs, with their CPU time and their peak memory.
package process

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

// Mirrorsink is the path of the program, from the root of the module.
const Mirrorsink = "bin/mirrorsink"

// Command returns a child process whose standard error is shown and whose output is discarded.
func Command(ctx context.Context, argv ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Stderr = os.Stderr
	return cmd
}

// CPUTime runs a program to its end, and returns its CPU time in user space and in the kernel, even if it failed.
func CPUTime(ctx context.Context, argv []string) (time.Duration, error) {
	cmd := Command(ctx, argv...)
	err := cmd.Run()
	if err != nil {
		err = fmt.Errorf("%s: %w", strings.Join(argv, " "), err)
	}
	if cmd.ProcessState == nil {
		return 0, err // the program did not start
	}
	return TotalCPU(cmd.ProcessState), err
}

// TotalCPU returns the CPU time of an ended process, in user space and in the kernel.
func TotalCPU(p *os.ProcessState) time.Duration { return p.UserTime() + p.SystemTime() }
