package wire

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// insideVariable is set in the process inside the network namespace.
const insideVariable = "MIRRORSINK_BENCH_LIVE_INSIDE"

// InNamespace reports whether this process runs inside the namespace.
func InNamespace() bool { return os.Getenv(insideVariable) != "" }

// EnterNamespace runs this program again in its own network namespace, which ends with it, and in a mount namespace, whose /sys
// shows the interfaces of the network namespace.
func EnterNamespace(ctx context.Context, out io.Writer) error {
	cmd := exec.CommandContext(ctx, "/proc/self/exe", os.Args[1:]...)
	cmd.Env = append(os.Environ(), insideVariable+"=1")
	cmd.Stdout, cmd.Stderr = out, os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET | unix.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL, Setsid: true}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("a network namespace needs root: %w", err)
	}
	return cmd.Wait()
}

// mountSysfs mounts a /sys with this namespace's interfaces, for this process and its children.
func mountSysfs() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	if err := unix.Mount("sysfs", "/sys", "sysfs", 0, ""); err != nil {
		return fmt.Errorf("mount sysfs: %w", err)
	}
	return nil
}
