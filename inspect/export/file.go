package export

import (
	"fmt"
	"os"
	"sync/atomic"
	"syscall"

	"github.com/mirrorsink/mirrorsink/inspect/export/disk"
)

// file is a file, a named pipe or a device.
type file struct {
	path    string
	f       atomic.Pointer[os.File] // Close reads it concurrently with the writer
	partial bool                    // the last write ended within a line
}

func openFile(path string) (*file, error) {
	o := &file{path: path}
	f, err := o.open()
	if err != nil {
		return nil, err
	}
	o.f.Store(f)
	return o, nil
}

// open opens the path. With O_NONBLOCK a named pipe without a reader is an error instead of a wait without end. The flag has no
// effect on files.
func (o *file) open() (*os.File, error) {
	f, err := os.OpenFile(o.path, os.O_WRONLY|os.O_CREATE|os.O_APPEND|syscall.O_NONBLOCK, 0o640)
	if err != nil {
		return nil, fmt.Errorf("event output %s: %w", o.path, disk.Explain(err))
	}
	return f, nil
}

// Write writes lines. After a write that ended within a line, as on a full disk, it first ends that line.
func (o *file) Write(p []byte) (int, error) {
	f := o.f.Load()
	if o.partial {
		if _, err := f.Write([]byte{'\n'}); err != nil {
			return 0, err
		}
	}
	n, err := f.Write(p)
	o.partial = n > 0 && p[n-1] != '\n'
	return n, err
}

// Reopen opens the new file before it closes the old one, so that a failure leaves the old one in use.
func (o *file) Reopen() error {
	f, err := o.open()
	if err != nil {
		return err
	}
	o.partial = false
	return o.f.Swap(f).Close()
}

func (o *file) Close() error   { return o.f.Load().Close() }
func (o *file) String() string { return o.path }
