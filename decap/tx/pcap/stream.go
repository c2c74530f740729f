package pcap

import (
	"errors"
	"io"
)

// errEnded is for a stream after a failed write, since its reader may have got half a frame.
var errEnded = errors.New("the stream ended with a failed write")

// A stream is a pipe. It ends with the first failed write, since it cannot start again.
type stream struct {
	to    io.Writer
	begun bool
	ended bool
}

func (s *stream) begin(int64) error {
	if s.ended {
		return errEnded
	}
	return nil
}

func (s *stream) write(p []byte) (int, error) {
	s.begun = true
	n, err := s.to.Write(p)
	s.ended = s.ended || err != nil
	return n, err
}

// finish does nothing: what follows is another section of the same stream.
func (s *stream) finish(int64) error { return nil }

func (s *stream) String() string { return "-" }
