package reader

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mirrorsink/mirrorsink/.ci/bench/live/internal/metrics"
	"github.com/mirrorsink/mirrorsink/.ci/bench/live/internal/wire"
)

// errEnded is for a reader that ended without an error, but too early.
var errEnded = errors.New("unexpected end")

// A Process is a running reader.
type Process struct {
	cmd    *exec.Cmd
	output output // standard error
	exited chan error
}

// Start starts a reader on the receiving CPU, and waits until it answers.
func Start(ctx context.Context, w *wire.Wire, r Reader) (*Process, error) {
	p := &Process{cmd: exec.CommandContext(ctx, r.argv[0], r.argv[1:]...), exited: make(chan error, 1)}
	p.cmd.Stderr, p.cmd.Env = &p.output, append(os.Environ(), r.env...)
	if err := startOn(w.ReceivingCPU, p.cmd); err != nil {
		return nil, fmt.Errorf("%s: %w", strings.Join(r.argv, " "), err)
	}
	go func() { p.exited <- p.cmd.Wait() }()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if _, err := metrics.Get(); err == nil {
			return p, nil
		} else if time.Now().After(deadline) {
			return nil, errors.Join(fmt.Errorf("%s does not answer: %w", r.argv[0], err), p.End())
		}
		select {
		case err := <-p.exited:
			return nil, fmt.Errorf("%s ended: %w: %s", strings.Join(r.argv, " "), cmp.Or(err, errEnded), p.output.String())
		default:
		}
	}
}

// startOn starts a program that may use one CPU only, which it inherits from the starting thread. It gets the priority of the
// kernel's thread, which is higher than the default, so that both share the CPU.
func startOn(cpu int, cmd *exec.Cmd) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var before unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		return err
	}
	if err := errors.Join(wire.Pin(0, cpu), unix.Setpriority(unix.PRIO_PROCESS, 0, wire.Niceness)); err != nil {
		return err
	}
	started := cmd.Start()
	return errors.Join(started, unix.SchedSetaffinity(0, &before), unix.Setpriority(unix.PRIO_PROCESS, 0, 0))
}

// End stops the reader and waits for it. If the reader failed, the error has its output.
func (p *Process) End() error {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case err := <-p.exited:
		if err != nil {
			return fmt.Errorf("%s: %w: %s", p.cmd.Args[0], err, p.output.String())
		}
		return nil
	case <-time.After(20 * time.Second):
		_ = p.cmd.Process.Kill()
		<-p.exited
		return fmt.Errorf("%s did not end after SIGTERM", p.cmd.Args[0])
	}
}

// CPUNanos returns the CPU time of the reader.
func (p *Process) CPUNanos() (int64, error) { return wire.CPUNanos(p.cmd.Process.Pid) }

// Lines returns the complete lines of the reader's standard error so far.
func (p *Process) Lines() string { return p.output.lines() }
