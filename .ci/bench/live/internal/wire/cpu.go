package wire

import (
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/mirrorsink/mirrorsink/.ci/bench/internal/process"
)

// TwoCPUs returns the CPU to send from and the one to receive on.
func TwoCPUs() (send, receive int, err error) {
	cpus, err := process.UsableCPUs()
	if err != nil {
		return 0, 0, err
	}
	if len(cpus) < 2 {
		return 0, 0, fmt.Errorf("this process may use %d CPU: want one to send from and one to receive on", len(cpus))
	}
	return cpus[0], cpus[len(cpus)-1], nil
}

// Pin makes a thread run on one CPU only; 0 is the calling one.
func Pin(tid, cpu int) error {
	var set unix.CPUSet
	set.Set(cpu)
	if err := unix.SchedSetaffinity(tid, &set); err != nil {
		return fmt.Errorf("pin thread %d to CPU %d: %w", tid, cpu, err)
	}
	return nil
}

// CPUNanos returns the CPU time of a process since its start, including ended threads, by the clock of clock_getcpuclockid(3).
// procfs rounds to ticks, or omits ended threads.
func CPUNanos(pid int) (int64, error) {
	const sched = 2 // CPUCLOCK_SCHED: what the scheduler accounts, to the nanosecond
	var ts unix.Timespec
	if err := unix.ClockGettime(int32(^pid)<<3|sched, &ts); err != nil {
		return 0, fmt.Errorf("CPU time of process %d: %w", pid, err)
	}
	return ts.Nano(), nil
}
