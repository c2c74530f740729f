package export

import (
	"errors"
	"io"
	"os"
	"strings"
)

// Output is a destination of lines. All methods but Close are called by one goroutine.
type Output interface {
	// Write writes whole lines. The bytes that it reports as written were taken by the kernel.
	io.Writer
	// Reopen opens a new file of the same name, after the old one was moved away.
	Reopen() error
	// Close may be called during a Write, and ends it where the system allows that.
	Close() error
	// String returns the output's name, as the user gave it.
	String() string
}

// OpenOutput opens the output that spec names: "-" is standard output, "unix:PATH" or "unix_stream:PATH" a listening unix stream
// socket, and anything else a file, to which lines are appended.
//
// A program that writes to standard output must ignore SIGPIPE: otherwise it ends without a message when the reader goes away.
func OpenOutput(spec string) (Output, error) {
	if spec == "" {
		return nil, errors.New("event output: no name given: use a file, unix:PATH, or - for standard output")
	}
	if spec == "-" {
		return stdout{}, nil
	}
	if path, ok := socketPath(spec); ok {
		return openSocket(spec, path)
	}
	return openFile(spec)
}

// socketPath returns the path of the socket that a spec of OpenOutput names.
func socketPath(spec string) (path string, ok bool) {
	for _, prefix := range []string{"unix:", "unix_stream:"} {
		if path, ok := strings.CutPrefix(spec, prefix); ok {
			return path, true
		}
	}
	return "", false
}

// IsFile reports whether a spec of OpenOutput names a file.
func IsFile(spec string) bool {
	_, socket := socketPath(spec)
	return spec != "-" && !socket
}

// stdout is standard output. Close leaves it open for the rest of the program.
type stdout struct{}

func (stdout) Write(p []byte) (int, error) { return os.Stdout.Write(p) }
func (stdout) Reopen() error               { return nil }
func (stdout) Close() error                { return nil }
func (stdout) String() string              { return "-" }
