// Package frag puts IP fragments together, within a fixed amount of memory. Fragments go in; a whole payload comes out
// when its last piece has come, and what will never be whole is told with its packets and bytes, so that nothing that
// went in is lost from the account. It takes the time as an argument and starts nothing.
package frag

import (
	"time"

	"github.com/mirrorsink/mirrorsink/decap"
)

// How long a packet may stay incomplete, from the first of its fragments that came. RFC 8200 section 4.5 asks for 60 s.
// RFC 1122 asks for as much with IPv4, but its identifications have 16 bits only and a busy host comes round in less:
// Linux waits for 30 s, and so do we.
const (
	TimeoutIPv4 = 30 * time.Second
	TimeoutIPv6 = 60 * time.Second
)

// maxPacket is the largest IPv4 packet, and the largest payload of an IPv6 packet that is not a jumbogram; jumbograms
// must not be fragmented (RFC 2675 section 3). What claims to be larger is an attack.
const maxPacket = 65535

// A Whole is a packet put together. It is valid until the table's next call.
type Whole struct {
	// Packet is the first fragment without its slices, as decap's Decoder.Resume wants it; its IPLen is Bytes.
	Packet  decap.Packet
	Payload []byte // the IP payload of all fragments
	Packets int    // how many fragments came, duplicates included
	Bytes   uint64 // the sum of their IPLen
	First   int64  // when the first of them came, in nanoseconds
	Last    int64  // and the last
}

// A Lost is a packet that was not put together, or a single fragment that could not be part of one.
type Lost struct {
	Packet  decap.Packet // the first fragment if it came, else the one that came first; without its slices
	Packets int
	Bytes   uint64
	First   int64
	Last    int64
	Reason  Reason
}

// Reason says why fragments were not put together.
type Reason uint8

// Why fragments were not put together.
const (
	Expired   Reason = iota // the rest did not come in time
	Evicted                 // its memory was needed for a later packet
	Flushed                 // the table was flushed
	Overlap                 // IPv6 fragments overlapped (RFC 5722), or fragments disagreed about the packet's end
	TooMany                 // more pieces than a packet of honest fragments has
	Cut                     // the copy of the fragment was cut, so its end is missing for good
	Malformed               // a fragment that cannot be: empty, past the largest packet, or of an odd length within
)
