// Package frag reassembles IP fragments within a fixed amount of memory. A table returns a packet when its last fragment was
// added. It reports every packet that stays incomplete, with its packets and bytes, so that the accounts stay exact. The
// package takes the time as an argument and starts no goroutines.
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

// maxPacket is the size of the largest IPv4 packet, and of the largest payload of an IPv6 packet that is no jumbogram.
// Jumbograms must not be fragmented (RFC 2675 section 3), so a larger packet is an attack.
const maxPacket = 65535

// A Reassembled is a packet all of whose fragments came. It is valid until the table's next call.
type Reassembled struct {
	Packet  decap.Packet // the first fragment without its slices, as decap's Decoder.Resume takes it; its IPLen is Bytes
	Payload []byte       // the IP payload of all fragments
	Packets int          // fragments that came, duplicates included
	Bytes   uint64       // the sum of their IPLen
	First   int64        // when the first of them came, in nanoseconds
	Last    int64        // when the last of them came
}

// An Incomplete is a packet some of whose fragments are missing, or a single fragment that cannot be part of a packet.
type Incomplete struct {
	Packet  decap.Packet // the first fragment if it came, else the one that came first; without its slices
	Packets int
	Bytes   uint64
	First   int64
	Last    int64
	Reason  Reason
}

// Reason is why fragments were not reassembled.
type Reason uint8

// Reasons.
const (
	Expired   Reason = iota // the missing fragments did not come in time
	Evicted                 // the memory was needed for a later packet
	Flushed                 // the table was flushed
	Overlap                 // IPv6 fragments overlapped (RFC 5722), or fragments disagreed about the packet's end
	TooMany                 // more fragments than an honest packet has
	Truncated               // the copy of the fragment was cut, so its end will never come
	Malformed               // an impossible fragment: empty, past the largest packet, or of a length that is no multiple of 8 bytes
)
