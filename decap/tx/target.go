// Package tx sends frames on: Target is what frames are forwarded to, Forwarder fixes each frame once and hands it to all targets, and
// VLANs gives mirror sessions their tags. The targets themselves are in the packages below it. Sender plays mirrored copies on UDP as
// AWS sends them.
package tx

import (
	"net/netip"

	"github.com/mirrorsink/mirrorsink/decap"
)

// A Target is a destination of forwarded frames: an interface, sensors behind VXLAN, capture files. Its methods are safe for
// concurrent use.
type Target interface {
	// Open returns an Out for one worker.
	Open() (Out, error)
	// Counts returns what became of the frames of all workers so far.
	Counts() Counts
	// Close ends the target after all Outs were closed. Queued frames are written first. An error is one line for the operator.
	Close() error
}

// An Out is one worker's path to a Target. One goroutine uses it. It does not block, unless the Target was configured to wait: a frame
// for which there is no room is dropped and counted.
type Out interface {
	// Add takes a frame, which must not change until Flush returns.
	Add(f *Frame)
	// Flush sends all frames taken, as far as the other side takes them, and releases them.
	Flush()
	Close() error
}

// Frame is a frame as it is sent: Head followed by Tail. Head is what was rewritten, if something was inserted or fixed, and may be
// empty. Tail lies where it was received.
type Frame struct {
	Head, Tail []byte
	Nanos      int64 // time of arrival in nanoseconds since 1970
	WireLen    int   // bytes before a capture or the mirror truncated it, tag included; at least Len
	Hash       uint32
	Outer      netip.Addr    // of the mirror session; the zero Addr for plain frames
	VNI        uint32        // of the mirror session; 0 for plain frames
	Packet     *decap.Packet // what the frame was made from, for targets that cut it into segments
	VLAN       uint16        // the tag that was inserted; 0 for none
}

// Len returns the frame's length in bytes.
func (f *Frame) Len() int { return len(f.Head) + len(f.Tail) }

// LinkLen returns the length of the Ethernet header with its tags. Packet must be set.
func (f *Frame) LinkLen() int {
	n := decap.EthernetLen + decap.VLANLen*int(f.Packet.NumVLANs)
	if f.VLAN != 0 {
		n += decap.VLANLen
	}
	return n
}

// Counts are what became of frames. The frames taken are those sent, those dropped and those queued, except while a Flush runs.
type Counts struct {
	Frames   uint64         // sent
	Bytes    uint64         // of the frames sent, without what carries them
	Segments uint64         // sent in place of frames that were too long; the long frame counts once, in Frames
	Dropped  [Losses]uint64 // not sent, by reason
	Outages  uint64         // times that the target, or one host of several, went away
	Moved    uint64         // of Frames, those sent to another host than their flow's own, which is unreachable
	Queued   uint64         // not yet written; 0 for targets without a queue of ours
}

// A Loss is why a frame was not sent.
type Loss uint8

// The losses.
const (
	QueueFull Loss = iota // the other side was slower: a queue or a socket's buffer was full
	Down                  // the interface, the host or the disk is not there
	Oversize              // the frame is longer than the other side takes, and was not to be cut into segments
	Losses                // the number of losses; not one
)

var lossNames = [Losses]string{QueueFull: "queue_full", Down: "down", Oversize: "oversize"}

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
