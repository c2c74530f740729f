package capture

import (
	"compress/flate"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
)

// errNotCapture is for a file whose first bytes are of no known format.
var errNotCapture = errors.New("not a capture file (pcap, pcapng or gzip of them)")

// A CorruptError is for a capture that could be read up to a record and no further.
type CorruptError struct {
	Name       string
	Offset     int64 // of the record that cannot be read, in bytes of the capture after uncompressing
	Compressed bool
	Err        error
}

func (e *CorruptError) Error() string {
	if e.Compressed {
		return fmt.Sprintf("%s: byte %d (uncompressed): %v", e.Name, e.Offset, e.Err)
	}
	return fmt.Sprintf("%s: byte %d: %v", e.Name, e.Offset, e.Err)
}

func (e *CorruptError) Unwrap() error { return e.Err }

// corrupt returns a CorruptError for the next record.
func (c *Reader) corrupt(err error) error {
	return &CorruptError{Name: c.name, Offset: c.in.offset(), Compressed: c.compressed, Err: err}
}

// readError returns the error of a read with the file's name. Damaged data is a CorruptError, unlike a device that fails.
func (c *Reader) readError(err error) error {
	var deflate flate.CorruptInputError
	var path *os.PathError
	switch {
	case errors.Is(err, io.EOF):
		return err
	case errors.Is(err, os.ErrClosed):
		return os.ErrClosed
	case errors.Is(err, io.ErrUnexpectedEOF):
		return c.corrupt(errors.New("the compressed data is truncated"))
	case errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum), errors.As(err, &deflate):
		return c.corrupt(fmt.Errorf("damaged: %w", err))
	case errors.As(err, &path):
		err = path.Err // it names the file once more
	}
	return fmt.Errorf("read %s: %w", c.name, err)
}
