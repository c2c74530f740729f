// Package outbox holds what those targets share that hand frames to the kernel in batches of messages. It cuts frames that are too
// long into segments, classifies the errors of system calls, and counts each frame once, whatever became of its messages. Sending is
// the caller's.
package outbox

import (
	"errors"
	"syscall"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/decap/tx"
)

// A Message is one unit for the kernel: a whole frame, or one segment of a long frame.
type Message struct {
	Bytes   int  // of the frame that it is or belongs to
	Segment bool // one of the segments of a frame
	More    bool // further segments of the same frame follow
	Moved   bool // it goes to another host than the flow's own
}

// A Fate follows the frames whose messages are sent or dropped one after the other. A frame counts as sent if all of its segments
// were sent; otherwise it counts as dropped, for the first reason. The zero Fate is ready for use.
type Fate struct {
	partial bool // a segment of the current frame was dropped
	why     tx.Loss
}

// Sent counts a message that was sent.
func (f *Fate) Sent(c *tx.Counts, m *Message) {
	if m.Segment {
		c.Segments++
	}
	switch {
	case m.More:
	case f.partial:
		f.drop(c)
	default:
		c.Frames++
		c.Bytes += uint64(m.Bytes)
		if m.Moved {
			c.Moved++
		}
	}
}

// Dropped counts a message that was not sent.
func (f *Fate) Dropped(c *tx.Counts, m *Message, why tx.Loss) {
	if !f.partial {
		f.partial, f.why = true, why
	}
	if !m.More {
		f.drop(c)
	}
}

func (f *Fate) drop(c *tx.Counts) {
	c.Dropped[f.why]++
	f.partial = false
}

// A Sink takes the segments of a frame.
type Sink interface {
	// Space returns where the head of the next segment is to be written. Its capacity is at least decap.MaxHead.
	Space() []byte
	// Put takes a segment. head lies in what Space returned last, and payload in the frame.
	Put(head, payload []byte, m Message)
}

// Cut hands a frame that is too long to a sink, as segments of at most limit bytes. It reports false, and hands over nothing, if the
// frame cannot be cut. The segments it uses are the caller's, so that nothing is allocated.
func Cut(segments *decap.Segments, f *tx.Frame, limit int, to Sink) bool {
	if f.Packet == nil || !segments.Begin(f.Packet, f.Head, f.Tail, limit-f.LinkLen()) {
		return false
	}
	for left := len(f.Packet.Payload); ; {
		head, payload, ok := segments.Next(to.Space())
		if !ok {
			return true
		}
		left -= len(payload)
		to.Put(head, payload, Message{Bytes: f.Len(), Segment: true, More: left > 0})
	}
}

// A Verdict is what the error of a system call means for the message that was not sent.
type Verdict uint8

// The verdicts.
const (
	Again     Verdict = iota // the call was interrupted
	Full                     // the socket has no room, neither for this message nor for the next
	FullAhead                // a queue behind the socket had no room; it drains meanwhile
	TooLong                  // the message is longer than the MTU
	Answered                 // an answer of the network to an earlier message
	Failed                   // all others
)

// Classify returns what the error of a system call that sends means.
func Classify(err error) Verdict {
	switch {
	case errors.Is(err, syscall.EINTR):
		return Again
	case errors.Is(err, syscall.EAGAIN):
		return Full
	case errors.Is(err, syscall.ENOBUFS), errors.Is(err, syscall.ENOMEM):
		return FullAhead
	case errors.Is(err, syscall.EMSGSIZE):
		return TooLong
	case errors.Is(err, syscall.ECONNREFUSED):
		return Answered
	default:
		return Failed
	}
}
