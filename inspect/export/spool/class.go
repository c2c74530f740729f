package spool

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/mirrorsink/mirrorsink/inspect/export/disk"
)

// Class is the kind of a failed delivery, by its remedy.
type Class uint8

// Classes of failure. Those up to Lost end by themselves. The others need a person.
const (
	Unreachable Class = iota // no answer: the network, a timeout
	Throttled                // too many calls
	Fault                    // an error of the service
	Lost                     // data arrived damaged, or an upload did not exist any more when it was completed
	Denied                   // no permission
	Missing                  // no such bucket, log group or topic
	Misplaced                // the bucket is in another region
	Credentials              // there are none, or the service refuses them
	Refused                  // any other answer
	Local                    // the spool cannot be read
	Classes                  // the number of classes; not a class
)

var classNames = [Classes]string{
	Unreachable: "unreachable", Throttled: "throttled", Fault: "fault", Lost: "lost", Denied: "denied", Missing: "missing",
	Misplaced: "misplaced", Credentials: "credentials", Refused: "refused", Local: "local",
}

// String returns the class's name, as metrics show it.
func (c Class) String() string { return classNames[c] }

// retryable reports whether a retry soon may succeed.
func (c Class) retryable() bool { return c <= Lost }

// fileOnly reports whether other files may be delivered nevertheless.
func (c Class) fileOnly() bool { return c == Refused || c == Local }

// Failure is the error of a delivery, in one line.
type Failure struct {
	Class Class
	Text  string
	Err   error
	Wait  time.Duration // how long the service wants no further calls; 0 if it does not say
}

func (f *Failure) Error() string { return f.Text }
func (f *Failure) Unwrap() error { return f.Err }

// DiskFailure returns the error of a file or folder as a failure, with the remedy where it is known.
func DiskFailure(what, path string, err error) error {
	advice := ""
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		advice = " (make room, or set a smaller --spool-size)"
	case errors.Is(err, os.ErrPermission), errors.Is(err, syscall.EROFS), errors.Is(err, syscall.ENOTDIR):
		advice = " (give --spool a folder that this user may write to)"
	}
	return &Failure{Class: Local, Text: fmt.Sprintf("%s %s: %s%s", what, path, disk.Cause(err), advice), Err: err}
}
