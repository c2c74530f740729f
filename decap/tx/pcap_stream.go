package tx

import (
	"errors"
	"io"
)

// errEnded is what is said of a stream after a write failed, whose reader may have got half a frame.
var errEnded = errors.New("the stream ended with a failed write")

// A stream is a pipe, which cannot begin anew: after a failed write it is over.
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

// finish has nothing to do: what follows is another section of the same stream.
func (s *stream) finish(int64) error { return nil }

func (s *stream) String() string { return "-" }
