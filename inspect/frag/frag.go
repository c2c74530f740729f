// Package frag reassembles IP fragments within a fixed amount of memory. A table returns a packet when its last fragment was
// added. It reports every packet that stays incomplete, with its packets and bytes, so that the accounts stay exact, and with
// its beginning if that came. It remembers packets for a while after they were reported, so that a fragment that comes again
// is no packet of its own. The package takes the time as an argument and starts no goroutines.
package frag

import (
	"time"

	"github.com/mirrorsink/mirrorsink/decap"
)

// Timeouts: how long a packet may stay incomplete, from the first of its fragments that came. RFC 8200 section 4.5 requires 60
// s. RFC 1122 requires the same for IPv4, but IPv4 identifications have 16 bits and a busy host reuses them sooner: Linux waits
// 30 s.
const (
	TimeoutIPv4 = 30 * time.Second
	TimeoutIPv6 = 60 * time.Second
)

// Wait is how long a first fragment waits for the rest of its packet. A host sends all fragments of a packet at once, and copies
// overtake each other by less: see the same bound for segments of TCP. Then the first one is read alone: its flow is known by
// its ports, and later packets may depend on what it says.
const Wait = 50 * time.Millisecond

// maxPacket is the size of the largest IPv4 packet, and of the largest payload of an IPv6 packet that is no jumbogram.
// Jumbograms must not be fragmented (RFC 2675 section 3), so a larger packet is an attack.
const maxPacket = 65535

// A Datagram is an IP packet as far as its fragments came. It is valid until the table's next call.
type Datagram struct {
	// Packet is the first fragment if it came, else the one that came before the others; without its slices, as decap's
	// Decoder.ParseReassembled takes it. Its IPLen is Bytes.
	Packet decap.Packet
	// Payload is the IP payload up to the first byte that is missing. It is empty without the first fragment, and of a packet that
	// failed.
	Payload []byte
	Missing int    // bytes that are known to follow Payload
	Led     bool   // the first fragment came, so Packet has the ports
	Cut     bool   // copies of the fragments were truncated
	Packets int    // fragments that came and were not reported before, without those that came again
	Bytes   uint64 // the sum of their IPLen
	First   int64  // the time of the first of them, in nanoseconds
	Last    int64  // the time of the last of them; not before First, whatever the order of arrival
	Reason  Reason
}

// Reason is why a packet is reported.
type Reason uint8

// Reasons.
const (
	Complete  Reason = iota // all fragments came
	Alone                   // the others did not come within Wait after the first one
	Late                    // they came after the packet was reported
	Expired                 // the missing fragments did not come in time
	Evicted                 // the memory was needed for a later packet
	Flushed                 // the table was flushed
	Overlap                 // fragments contradict each other, or IPv6 fragments overlap (RFC 5722): the receiver drops the packet
	TooMany                 // more fragments than an honest packet has
	Truncated               // all fragments came, but copies were cut
	Malformed               // an impossible fragment: empty, past the largest packet, or of a length that is no multiple of 8 bytes
)

// Readable reports whether a receiver may read the beginning of a packet, and it was not reported before.
func (r Reason) Readable() bool { return r != Late && r != Overlap && r != TooMany && r != Malformed }
