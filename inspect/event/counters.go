package event

import (
	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/l7"
)

// Counters are a worker's counts since its start. They only grow, but for the gauges at the end. Those of several workers
// are added up with Add.
//
// The loss identity: Datagrams is the sum over Reasons, at all times.
type Counters struct {
	Datagrams uint64 // datagrams, or frames of a capture, that the source gave
	Bytes     uint64 // their bytes as received, envelope included
	Reasons   [decap.Reasons]uint64

	ReservedBits uint64 // VXLAN headers with a reserved bit or flag set
	Truncated    uint64 // packets whose copy was cut
	BadChecksum  uint64 // whole packets with a wrong IPv4 header or transport checksum

	FragmentsHeld       uint64 // fragments taken for reassembly
	Reassembled         uint64 // packets put together
	FragmentsIncomplete uint64 // fragments accounted by address: the rest did not come in time, was cut or cannot be
	FragmentsEvicted    uint64 // fragments accounted by address: the reassembly memory was used up

	Sessions        uint64 // mirror sessions seen
	SessionsRefused uint64 // packets of mirror sessions past the bound of the tap table, accounted to tap 0
	Unattributed    uint64 // packets of mirror sessions that the inventory does not know; none without an inventory
	FlowsNew        uint64
	FlowsEnded      [4]uint64 // by EndReason
	Paired          uint64    // packets whose other copy, mirrored at the other end, was seen
	PairsEvicted    uint64    // copies given up waiting for their other ones because their memory was used up
	NamesRefused    uint64    // names that found no room in the name memory
	StreamsNew      uint64    // flows whose first bytes were read
	StreamsEvicted  uint64    // flows that lost their parsing state because its memory was used up
	Gaps            uint64    // times that acknowledged TCP bytes were missing
	LostBytes       uint64    // how many bytes
	Retransmits     uint64    // TCP segments with nothing new

	Forward Forwarding // what became of the frames where they are forwarded

	Hints  [l7.Protos]uint64 // messages or transactions reported
	Events [Kinds]uint64     // events produced

	FlowsActive   uint64 // gauge
	StreamsActive uint64 // gauge
}

// CountDatagram counts a datagram of a length, and what became of it.
func (c *Counters) CountDatagram(why decap.Reason, bytes int) {
	c.Datagrams++
	c.Bytes += uint64(bytes)
	c.Reasons[why]++
}

// Add adds o to c.
func (c *Counters) Add(o *Counters) {
	c.Datagrams += o.Datagrams
	c.Bytes += o.Bytes
	for i := range o.Reasons {
		c.Reasons[i] += o.Reasons[i]
	}
	c.ReservedBits += o.ReservedBits
	c.Truncated += o.Truncated
	c.BadChecksum += o.BadChecksum
	c.FragmentsHeld += o.FragmentsHeld
	c.Reassembled += o.Reassembled
	c.FragmentsIncomplete += o.FragmentsIncomplete
	c.FragmentsEvicted += o.FragmentsEvicted
	c.Sessions += o.Sessions
	c.SessionsRefused += o.SessionsRefused
	c.Unattributed += o.Unattributed
	c.FlowsNew += o.FlowsNew
	for i := range o.FlowsEnded {
		c.FlowsEnded[i] += o.FlowsEnded[i]
	}
	c.Paired += o.Paired
	c.PairsEvicted += o.PairsEvicted
	c.NamesRefused += o.NamesRefused
	c.StreamsNew += o.StreamsNew
	c.StreamsEvicted += o.StreamsEvicted
	c.Gaps += o.Gaps
	c.LostBytes += o.LostBytes
	c.Retransmits += o.Retransmits
	c.Forward.add(&o.Forward)
	for i := range o.Hints {
		c.Hints[i] += o.Hints[i]
	}
	for i := range o.Events {
		c.Events[i] += o.Events[i]
	}
	c.FlowsActive += o.FlowsActive
	c.StreamsActive += o.StreamsActive
}
