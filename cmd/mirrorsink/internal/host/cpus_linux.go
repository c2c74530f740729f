package host

import (
	"fmt"
	"runtime"

	"golang.org/x/sys/unix"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/flags"
)

// UsableCPUs returns the CPUs that the calling thread may use, which are those of the process unless it was pinned.
func UsableCPUs() (cpus flags.CPUs, err error) {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return nil, fmt.Errorf("ask for the CPUs of this process: %w", err)
	}
	for n := range flags.MaxCPU + 1 {
		if set.IsSet(n) {
			cpus = append(cpus, n)
		}
	}
	return cpus, nil
}

// PinThread gives the calling goroutine a thread of its own, which keeps to one CPU and ends with the goroutine. Threads that the
// runtime starts meanwhile are not pinned: it has another thread start them.
func PinThread(cpu int) error {
	runtime.LockOSThread()
	var set unix.CPUSet
	set.Set(cpu)
	if err := unix.SchedSetaffinity(0, &set); err != nil {
		return fmt.Errorf("keep a worker to CPU %d: %w", cpu, err)
	}
	return nil
}
