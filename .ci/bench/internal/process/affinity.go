package process

import (
	"bytes"
	"fmt"
	"os/exec"
	"runtime"

	"golang.org/x/sys/unix"
)

// StartOn starts a program that may use only the given CPUs; none means all. It inherits them from the starting thread.
func StartOn(cpus []int, cmd *exec.Cmd) error {
	if len(cpus) == 0 {
		return cmd.Start()
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var before, during unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		return fmt.Errorf("get the CPUs of this thread: %w", err)
	}
	for _, n := range cpus {
		during.Set(n)
	}
	if err := unix.SchedSetaffinity(0, &during); err != nil {
		return fmt.Errorf("move to CPUs %v: %w", cpus, err)
	}
	started := cmd.Start()
	if err := unix.SchedSetaffinity(0, &before); err != nil {
		return fmt.Errorf("move back from CPUs %v: %w", cpus, err)
	}
	return started
}

// OutputOn runs a program that may use only the given CPUs, and returns its output.
func OutputOn(cpus []int, cmd *exec.Cmd) ([]byte, error) {
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := StartOn(cpus, cmd); err != nil {
		return nil, err
	}
	err := cmd.Wait()
	return out.Bytes(), err
}

// UsableCPUs returns the CPUs that this process may use.
func UsableCPUs() (cpus []int, err error) {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return nil, fmt.Errorf("get the CPUs of this process: %w", err)
	}
	for n := range len(set) * 64 {
		if set.IsSet(n) {
			cpus = append(cpus, n)
		}
	}
	return cpus, nil
}

// OneCPU returns the last CPU that this process may use, since the first ones have more of the kernel's work. Comparisons of CPU
// time run on one CPU, since a program on two that share a cache or a core needs more.
func OneCPU() ([]int, error) {
	cpus, err := UsableCPUs()
	if err != nil {
		return nil, err
	}
	return cpus[len(cpus)-1:], nil
}
