package main

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
)

// A reader is a program that receives.
type reader struct {
	name string
	argv []string
	env  []string // in addition to this process's
}

// readers are all readers that are measured.
type readers struct {
	countSocket, countRing, countRingAndDrop reader
	socket, ring, ringAndDrop                reader // mirrorsink with its defaults
	ringAndIface, ringAndTap                 reader // mirrorsink that forwards too
}

func (w *wire) readers(binary string) readers {
	counting := func(name, way string) reader {
		return reader{name: name + ", counting", argv: []string{"/proc/self/exe", "-count", way, "-device", w.receiver}}
	}
	ours := func(name string, flags ...string) reader {
		return reader{name: name, argv: append([]string{binary, "listen", "--workers", "1", "--eve", "/dev/null", "--metrics", metricsAddr}, flags...)}
	}
	return readers{
		counting("recvmmsg", byRecvmmsg), counting("ring", byRing), counting("ring with tc drop", byRingAndDrop),
		ours("udp"), ours("ring", "--source", "ring:"+w.receiver), ours("ring with tc drop", "--source", "ring:"+w.receiver, "--tc-drop"),
		ours("ring, forwarding to an interface", "--source", "ring:"+w.receiver, "--forward", "iface:"+w.onward),
		ours("ring, forwarding to a tap", "--source", "ring:"+w.receiver, "--forward", "tap:"+w.onward+"t"),
	}
}

// errEnded is for a reader that ended without an error, but too early.
var errEnded = errors.New("unexpected end")

// A process is a running reader.
type process struct {
	cmd    *exec.Cmd
	output output // standard error
	exited chan error
}

// start starts a reader on the receiving CPU, and waits until it answers.
func (w *wire) start(ctx context.Context, r reader) (*process, error) {
	p := &process{cmd: exec.CommandContext(ctx, r.argv[0], r.argv[1:]...), exited: make(chan error, 1)}
	p.cmd.Stderr, p.cmd.Env = &p.output, append(os.Environ(), r.env...)
	if err := startOn(w.receivingCPU, p.cmd); err != nil {
		return nil, fmt.Errorf("%s: %w", strings.Join(r.argv, " "), err)
	}
	go func() { p.exited <- p.cmd.Wait() }()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if _, err := getCounts(); err == nil {
			return p, nil
		} else if time.Now().After(deadline) {
			return nil, errors.Join(fmt.Errorf("%s does not answer: %w", r.argv[0], err), p.end())
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
	if err := errors.Join(pin(0, cpu), unix.Setpriority(unix.PRIO_PROCESS, 0, niceness)); err != nil {
		return err
	}
	started := cmd.Start()
	return errors.Join(started, unix.SchedSetaffinity(0, &before), unix.Setpriority(unix.PRIO_PROCESS, 0, 0))
}

// end stops the reader and waits for it. If the reader failed, the error has its output.
func (p *process) end() error {
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
