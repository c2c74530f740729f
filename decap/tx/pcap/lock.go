//go:build unix && !solaris && !aix

package pcap

import (
	"os"
	"syscall"
)

// lockExclusive locks the file until it is closed. It reports false if another process holds it.
func lockExclusive(f *os.File) bool {
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil
}
