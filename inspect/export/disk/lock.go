//go:build unix && !solaris && !aix

package disk

import (
	"os"
	"syscall"
)

// CanLock reports whether this platform has file locks.
const CanLock = true

// TryLock takes an exclusive lock on an open file or directory and reports whether it got it. It does not wait. The lock lasts
// until ShareLock is called or the file is closed.
func TryLock(f *os.File) bool {
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil
}

// ShareLock takes a shared lock, which keeps TryLock of other processes from succeeding. On a file system without locks it does
// nothing, and TryLock fails.
func ShareLock(f *os.File) { _ = syscall.Flock(int(f.Fd()), syscall.LOCK_SH) }
