package capture

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// mapFile maps a regular file for reading from front to back. It returns nil if that cannot be done, as for a pipe, an
// empty file or a file system without mappings; the file can still be read then.
func mapFile(f *os.File) []byte {
	st, err := f.Stat()
	if err != nil || !st.Mode().IsRegular() || st.Size() != int64(int(st.Size())) {
		return nil
	}
	m, err := unix.Mmap(int(f.Fd()), 0, int(st.Size()), unix.PROT_READ, unix.MAP_PRIVATE)
	if err != nil {
		return nil
	}
	_ = unix.Madvise(m, unix.MADV_SEQUENTIAL) // a hint: the mapping works without it
	return m
}

// unmapFile gives a mapping back; nil is none.
func unmapFile(m []byte) {
	if m != nil {
		_ = unix.Munmap(m) // it fails only for a slice that is no mapping
	}
}

// standardInput returns a file on descriptor 0. A pipe is put into nonblocking mode, so that Close ends a Read that waits
// for it; a terminal or a file is shared with other programs and left as it is.
func standardInput() *os.File {
	st, err := os.Stdin.Stat()
	if err == nil && st.Mode()&os.ModeNamedPipe != 0 && syscall.SetNonblock(syscall.Stdin, true) == nil {
		return os.NewFile(uintptr(syscall.Stdin), os.Stdin.Name())
	}
	return os.Stdin
}
