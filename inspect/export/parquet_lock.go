//go:build unix && !solaris && !aix

package export

import (
	"os"
	"syscall"
)

// lockAlone says whether nobody else holds the folder, and keeps others out until shareLock.
func lockAlone(dir *os.File) bool {
	return syscall.Flock(int(dir.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil
}

// shareLock tells others that the folder is in use. A file system without locks is one where nobody removes anything.
func shareLock(dir *os.File) { syscall.Flock(int(dir.Fd()), syscall.LOCK_SH) }
