package export

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
)

// Output is where lines go. All methods but Close are called by one goroutine.
type Output interface {
	// Write writes whole lines. What it says it wrote was taken by the kernel.
	io.Writer
	// Reopen goes on in a new file of the same name, after the old one was moved away.
	Reopen() error
	// Close may be called while a Write is under way, and ends it where the system lets it.
	Close() error
	// String returns the output's name, as the user gave it.
	String() string
}

// OpenOutput opens what spec names: "-" is standard output, "unix:PATH" or "unix_stream:PATH" a unix stream socket on
// which somebody listens, and anything else a file, which is appended to.
//
// A program that writes to standard output must ignore SIGPIPE, or it ends without a word when the reader does.
func OpenOutput(spec string) (Output, error) {
	if spec == "" {
		return nil, errors.New("event output: no name given: use a file, unix:PATH, or - for standard output")
	}
	if spec == "-" {
		return stdout{}, nil
	}
	for _, prefix := range []string{"unix:", "unix_stream:"} {
		if path, ok := strings.CutPrefix(spec, prefix); ok {
			return openSocket(spec, path)
		}
	}
	return openFile(spec)
}

// stdout is standard output. It stays open: it is not ours.
type stdout struct{}

func (stdout) Write(p []byte) (int, error) { return os.Stdout.Write(p) }
func (stdout) Reopen() error               { return nil }
func (stdout) Close() error                { return nil }
func (stdout) String() string              { return "-" }

// file is a file, a named pipe or a device.
type file struct {
	path string
	f    atomic.Pointer[os.File] // Close reads it beside the writer
	torn bool                    // the last write ended within a line
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

// open opens the path. O_NONBLOCK makes a named pipe without a reader an error instead of a wait without end; it has no
// effect on files.
func (o *file) open() (*os.File, error) {
	f, err := os.OpenFile(o.path, os.O_WRONLY|os.O_CREATE|os.O_APPEND|syscall.O_NONBLOCK, 0o640)
	if err != nil {
		return nil, fmt.Errorf("event output %s: %w", o.path, withRemedy(err))
	}
	return f, nil
}

// Write writes lines. After a write that ended within a line, as on a full disk, the next one begins on a line of its own.
func (o *file) Write(p []byte) (int, error) {
	f := o.f.Load()
	if o.torn {
		if _, err := f.Write([]byte{'\n'}); err != nil {
			return 0, err
		}
	}
	n, err := f.Write(p)
	o.torn = n > 0 && p[n-1] != '\n'
	return n, err
}

// Reopen opens the new file before it closes the old one, so that a failure leaves the old one in use.
func (o *file) Reopen() error {
	f, err := o.open()
	if err != nil {
		return err
	}
	o.torn = false
	return o.f.Swap(f).Close()
}

func (o *file) Close() error   { return o.f.Load().Close() }
func (o *file) String() string { return o.path }

// withRemedy reduces an error to its cause, and adds what to do about it where that is known.
func withRemedy(err error) error {
	err = cause(err)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w (create the directory first)", err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w (give a path that this user may write to)", err)
	case errors.Is(err, syscall.EISDIR):
		return fmt.Errorf("%w (give the name of a file in it)", err)
	case errors.Is(err, syscall.ENXIO):
		return fmt.Errorf("nobody reads this pipe: %w (start its reader first)", err)
	}
	return err
}

// cause returns what the system said, without the call and the path around it, which our own message names already.
func cause(err error) error {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return errno
	}
	return err
}
