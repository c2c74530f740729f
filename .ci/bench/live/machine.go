package main

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// twoCPUs returns the CPU to send from and the one to receive on.
func twoCPUs() (send, receive int, err error) {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return 0, 0, fmt.Errorf("ask for the CPUs of this process: %w", err)
	}
	var cpus []int
	for n := range len(set) * 64 {
		if set.IsSet(n) {
			cpus = append(cpus, n)
		}
	}
	if len(cpus) < 2 {
		return 0, 0, fmt.Errorf("this process may use %d CPU: want one to send from and one to receive on", len(cpus))
	}
	return cpus[0], cpus[len(cpus)-1], nil
}

// pin makes a thread run on one CPU only; 0 is the calling one.
func pin(tid, cpu int) error {
	var set unix.CPUSet
	set.Set(cpu)
	if err := unix.SchedSetaffinity(tid, &set); err != nil {
		return fmt.Errorf("pin thread %d to CPU %d: %w", tid, cpu, err)
	}
	return nil
}

// cpuNanos returns the CPU time of a process since its start, including ended threads, by the clock of clock_getcpuclockid(3).
// procfs rounds to ticks, or omits ended threads.
func cpuNanos(pid int) (int64, error) {
	const sched = 2 // CPUCLOCK_SCHED: what the scheduler accounts, to the nanosecond
	var ts unix.Timespec
	if err := unix.ClockGettime(int32(^pid)<<3|sched, &ts); err != nil {
		return 0, fmt.Errorf("CPU time of process %d: %w", pid, err)
	}
	return ts.Nano(), nil
}
