//go:build unix && !solaris && !aix

package aws

import (
	"os"
	"syscall"
)

// lockAlone says whether no other process holds the file, and keeps others out until it is closed.
func lockAlone(file *os.File) bool {
	return syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil
}
