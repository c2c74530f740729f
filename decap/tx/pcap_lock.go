//go:build unix && !solaris && !aix

package tx

import (
	"os"
	"syscall"
)

// lockAlone says whether nobody else has locked the file, and keeps others from doing so until it is closed.
func lockAlone(f *os.File) bool {
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil
}
