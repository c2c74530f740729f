//go:build !unix || solaris || aix

package disk

import "os"

// CanLock reports whether this platform has file locks.
const CanLock = false

// TryLock always fails on this platform.
func TryLock(*os.File) bool { return false }

// ShareLock does nothing on this platform.
func ShareLock(*os.File) {}
