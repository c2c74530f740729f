package load

import (
	"time"

	"golang.org/x/sys/unix"

	"github.com/mirrorsink/mirrorsink/decap/mmsg"
)

// maxDelay is the delay that a generator makes up for. It drops a longer delay, since the burst would be lost.
const maxDelay = time.Millisecond

// awaitTime waits for a time without sleeping, since a sleep takes longer than the pause. It returns the time, or a later one if
// the delay exceeds maxDelay.
func awaitTime(due time.Time) time.Time {
	for {
		switch late := time.Since(due); {
		case late > maxDelay:
			return due.Add(late - maxDelay)
		case late >= 0:
			return due
		}
	}
}

// sendAll sends messages, and returns how many the wire accepted. It drops messages that the wire has no room for.
func sendAll(fd int, messages []mmsg.Header) (taken int, err error) {
	for len(messages) > 0 {
		n, err := mmsg.Send(fd, messages, 0)
		switch err { //nolint:errorlint // a system call's own error
		case nil:
			taken += n
			messages = messages[n:]
		case unix.ENOBUFS:
			messages = messages[1:]
		case unix.EINTR, unix.EAGAIN:
		default:
			return taken, err
		}
	}
	return taken, nil
}
