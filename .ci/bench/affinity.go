package main

import (
	"bytes"
	"fmt"
	"os/exec"
	"runtime"

	"golang.org/x/sys/unix"
)

// startOn starts a program that may use only these CPUs, any if there are none. It inherits them from the thread that starts it.
func startOn(cpus []int, cmd *exec.Cmd) error {
	if len(cpus) == 0 {
		return cmd.Start()
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var before, during unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		return fmt.Errorf("ask for the CPUs of this thread: %w", err)
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

// outputOn runs a program that may use only these CPUs, and returns what it says.
func outputOn(cpus []int, cmd *exec.Cmd) ([]byte, error) {
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := startOn(cpus, cmd); err != nil {
		return nil, err
	}
	err := cmd.Wait()
	return out.Bytes(), err
}

// usableCPUs returns the CPUs that this process may use.
func usableCPUs() (cpus []int, err error) {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return nil, fmt.Errorf("ask for the CPUs of this process: %w", err)
	}
	for n := range len(set) * 64 {
		if set.IsSet(n) {
			cpus = append(cpus, n)
		}
	}
	return cpus, nil
}

// oneCPU returns the last CPU that this process may use: the first ones have more of the kernel's own work. What is compared by CPU
// time runs on one, since a program on two that share a cache or a core needs more of it.
func oneCPU() ([]int, error) {
	cpus, err := usableCPUs()
	if err != nil {
		return nil, err
	}
	return cpus[len(cpus)-1:], nil
}
