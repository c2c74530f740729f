package tx

import (
	"net/netip"

	"github.com/mirrorsink/mirrorsink/decap"
)

// A Target is where frames are forwarded to: an interface, sensors behind VXLAN, capture files. Its methods are safe for
// concurrent use.
type Target interface {
	// Open returns the way for one worker.
	Open() (Out, error)
	// Counts returns what became of the frames of all workers so far.
	Counts() Counts
	// Close ends it, after all ways were closed: what is queued is written. An error is one line for people.
	Close() error
}

// An Out is one worker's way to a Target; it is for one goroutine. It never lets its caller wait, unless the Target was asked to:
// what cannot be had goes, and is counted.
type Out interface {
	// Add takes a frame, which stays as it is until Flush returns.
	Add(f *Frame)
	// Flush sends all frames taken, as far as the other side lets it, and lets go of them.
	Flush()
	Close() error
}

// Frame is a frame as it leaves: Head and Tail one after the other. Head has been made anew, where something had to be put in
// or mended, and may be empty; Tail lies where it was received.
type Frame struct {
	Head, Tail []byte
	Nanos      int64 // of its arrival, since 1970
	WireLen    int   // bytes before a capture or the mirror cut it, tag included; at least Len
	Hash       uint32
	Outer      netip.Addr    // the mirror session; the zero Addr for plain frames
	VNI        uint32        // likewise
	Packet     *decap.Packet // what it was made from, for those who cut it into segments
	VLAN       uint16        // the tag that was put in; 0 is for none
}

// Len is the frame's length in bytes.
func (f *Frame) Len() int { return len(f.Head) + len(f.Tail) }

// Counts says what became of frames. Those that were taken are those sent, those dropped and those queued, whenever no Flush is
// under way.
type Counts struct {
	Frames   uint64         // sent
	Bytes    uint64         // sent, without what carries the frames
	Segments uint64         // frames that were made of such as were too long; the long one counts as sent
	Dropped  [Losses]uint64 // not sent, by why
	Outages  uint64         // times that the target, or one host of several, went away
	Moved    uint64         // of Frames, those sent to another host than their flow's own, which is away
	Queued   uint64         // not yet written; 0 for targets that have no queue of ours
}

// Loss is why a frame was not sent.
type Loss uint8

// Losses.
const (
	Busy     Loss = iota // the other side was slower: a queue or a socket's buffer was full (tx_busy)
	Down                 // the interface, the host or the disk is not there
	Oversize             // the frame is longer than the other side takes, and was not to be cut into segments
	Losses               // the number of losses; not one
)

var lossNames = [Losses]string{Busy: "tx_busy", Down: "down", Oversize: "oversize"}

// String returns the loss's name, as metrics show it.
func (l Loss) String() string { return lossNames[l] }

// Add adds o to c.
func (c *Counts) Add(o *Counts) {
	c.Frames += o.Frames
	c.Bytes += o.Bytes
	c.Segments += o.Segments
	for i := range o.Dropped {
		c.Dropped[i] += o.Dropped[i]
	}
	c.Outages += o.Outages
	c.Moved += o.Moved
	c.Queued += o.Queued
}
