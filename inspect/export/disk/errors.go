package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"
)

// Explain reduces an error to its cause, and appends advice for causes that a user can remove.
func Explain(err error) error {
	err = Cause(err)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w (create the directory first)", err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w (give a path that this user may write to)", err)
	case errors.Is(err, syscall.EISDIR):
		return fmt.Errorf("%w (give the name of a file in it)", err)
	case errors.Is(err, syscall.ENXIO):
		return fmt.Errorf("the pipe has no reader: %w (start its reader first)", err)
	}
	return err
}

// Cause returns the error of the system call, without the operation and the path around it: the caller's message names these.
func Cause(err error) error {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return errno
	}
	return err
}
