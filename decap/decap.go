// Package decap decodes mirrored packets: it removes what VPC Traffic Mirroring put around a frame (VXLAN, or VXLAN in GENEVE
// behind a Gateway Load Balancer endpoint), and decodes the frame's own headers down to the innermost transport. It is pure: no I/O, no
// clock, no allocation, no copy. A packet is never an error; it is classified by Reason.
package decap

import "net/netip"

// A Link is what the first byte of a datagram belongs to.
type Link uint8

// The links that Decoder.Parse understands.
const (
	LinkEthernet       Link = iota // Ethernet II, from a capture
	LinkVXLAN                      // a VXLAN header: the payload of a datagram on UDP 4789
	LinkGENEVE                     // a GENEVE header: the payload of a datagram on UDP 6081
	LinkIP                         // IPv4 or IPv6, distinguished by the version nibble
	LinkSLL                        // Linux cooked capture v1
	LinkSLL2                       // Linux cooked capture v2
	LinkNull                       // BSD loopback: an address family in the capturing host's byte order, or in network order
	LinkPPP                        // PPP, with or without HDLC's address and control bytes
	LinkPPPDirection               // one byte for the direction before it
	LinkPPPoE                      // a PPPoE session header before it
	LinkCHDLC                      // Cisco HDLC
	LinkCHDLCDirection             // one byte for the direction before it
	LinkNFLOG                      // Linux's netfilter log
	LinkUnsupported                // a link type that is counted and skipped, such as IEEE 802.11
)

// BatchSize is how many datagrams one read returns at most. On captures larger than the cache, batches of 64 take less than half the
// time of single datagrams, and larger batches gain nothing.
const BatchSize = 64

// A Datagram is what a source received: a UDP payload, or a frame of a capture.
type Datagram struct {
	// Data is owned by the source and valid until its next Read.
	Data []byte
	// Outer is the source of the datagram if a socket received it: the mirrored interface's address and the source port. It is the zero
	// value for frames of a capture, whose outer headers are in Data.
	Outer netip.AddrPort
	// Nanos is the time of arrival in nanoseconds since 1970, by the kernel's or the capture's clock.
	Nanos int64
	// WireLen is the number of bytes before a capture's snap length or a short buffer truncated the datagram. It is larger than
	// len(Data) for a truncated datagram, and never smaller.
	WireLen int
	// VLAN is the tag of the frame that the datagram came in, as in IEEE 802.1Q (priority and number). It is 0 if there was none, or if
	// the source does not know.
	VLAN uint16
	// Link is what Data starts with.
	Link Link
	// Misdated is set if the source stated another time, which cannot be right, and Nanos is that of a neighbor.
	Misdated bool
}

// A Batch is the unit of work between a source and a worker. The worker owns it and hands it to each Read.
type Batch struct {
	N int // how many elements of D are filled
	D [BatchSize]Datagram
}

// Encapsulation is whether the frames of a capture are mirrored copies (encapsulated) or plain.
type Encapsulation uint8

// How mirrored frames are distinguished from plain ones. It matters for captures only: datagrams of a mirror socket are always
// encapsulated.
const (
	Auto   Encapsulation = iota // a frame whose outermost transport is UDP to 4789 or 6081 with a valid header is mirrored
	Always                      // a frame without encapsulation is refused, with Reason NotEncapsulated
	Never                       // all frames are plain; VXLAN in them is a tunnel like any other
)

// The UDP ports of the encapsulations, from the IANA registry (RFC 7348, RFC 8926).
const (
	PortVXLAN  = 4789
	PortGENEVE = 6081
)
