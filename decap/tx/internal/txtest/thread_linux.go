package txtest

import (
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// Namespace moves the test's goroutine into a network namespace of its own, which ends with it. Goroutines that it starts are not
// in that namespace, but sockets that it hands to them are. It skips the test where there are no namespaces.
func Namespace(t testing.TB) {
	t.Helper()
	runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		t.Skip("needs root and network namespaces:", err)
	}
}

// ThreadTime returns the CPU time of the calling thread in nanoseconds.
func ThreadTime(t testing.TB) int64 {
	t.Helper()
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &ts); err != nil {
		t.Fatal(err)
	}
	return ts.Nano()
}
