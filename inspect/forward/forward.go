// Package forward decides which of a worker's frames are forwarded. Flow records and packets go in; frames go to a
// Forwarder, each with the tag of its network, once per packet and in the order of their flow. The package does not parse
// protocols, and it does not write to the network: a Forwarder does.
//
// A Selector belongs to one worker. A nil Selector is one that forwards nothing: its methods do nothing.
package forward

import (
	"net/netip"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/flow"
	"github.com/mirrorsink/mirrorsink/inspect/l7"
	"github.com/mirrorsink/mirrorsink/inspect/where"
)

// Forwarder takes the frames that a worker forwards; each worker has its own. What a frame points to is valid until the
// next Flush returns. The worker calls Flush after each batch. Neither method may block longer than the receive path can
// bear.
type Forwarder interface {
	Forward(f decap.Frame)
	Flush()
}

// Tags assigns 802.1Q tags to mirror sessions, so that networks with equal addresses stay apart. Each worker asks once for
// each session. Tag is safe for concurrent use.
type Tags interface {
	// Tag returns the tag of a session, 1 to 4094, or 0 for none. IPv4 addresses are never IPv4-mapped.
	Tag(outer netip.Addr, vni uint32) uint16
}

// Config selects the frames to forward.
//
// Frames that could not be decoded are never forwarded. Fragments are forwarded one by one, selected by their addresses
// alone.
type Config struct {
	To   Forwarder
	Tags Tags // nil: no tags
	// Where is an expression over Fields: only frames of flows that match it are forwarded. Nil matches all. It is
	// evaluated when a flow begins, and again when its name, its protocol or its direction becomes known.
	Where *where.Filter
	// Bypass are the bypass rules, at most MaxRules. The first rule that matches a packet excludes it.
	Bypass []Rule
	// KeepBoth forwards both copies of a packet that is mirrored at both ends, instead of the first.
	KeepBoth bool
	// Reorder puts TCP segments in order. The segments that wait take an eighth of the memory for streams. A waiting frame
	// is counted as waiting, neither as passed nor as excluded.
	Reorder Reorder
}

// FlowBytes returns the memory that forwarding takes for each flow record. It is 0 without forwarding.
func (c *Config) FlowBytes() int {
	if c == nil {
		return 0
	}
	return stateSize
}

// ReorderBytes returns the part of the memory for streams that waiting segments take.
func (c *Config) ReorderBytes(streams int) int {
	if c == nil || c.Reorder.Time <= 0 {
		return 0
	}
	return streams / 8
}

// Streams looks up the parsing state of TCP flows.
type Streams interface {
	// NextMessage returns the protocol of a flow, and the sequence number at which the parser expects the next message of a
	// side. It reports false if the parser has no such position.
	NextMessage(r *flow.Record, side flow.Side) (proto l7.Proto, seq uint32, ok bool)
}

// Packet is a packet that was accounted to its flow.
type Packet struct {
	*decap.Packet
	Datagram *decap.Datagram // that the packet came in
	Side     flow.Side       // of the sender
	Clock    int64           // the latest time of all packets so far, Unix nanoseconds
}

// wireLen returns the length of the packet's frame before the mirror truncated it.
func (p *Packet) wireLen() int { return p.Datagram.WireLen - (len(p.Datagram.Data) - len(p.Frame)) }
