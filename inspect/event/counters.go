package event

import (
	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/l7"
)

// Counters are a worker's counts since its start. They only grow, except for the gauges. Add adds up those of several workers.
//
// At all times Datagrams is the sum of Reasons.
type Counters struct {
	Datagrams uint64 // datagrams, or frames of a capture, from the source
	Bytes     uint64 // their bytes as received, envelope included
	Reasons   [decap.Reasons]uint64

	ReservedBits uint64 // VXLAN headers with a reserved bit or flag set
	Truncated    uint64 // packets whose copy was cut
	BadChecksum  uint64 // packets with a wrong checksum, of the IPv4 header or of a transport whose payload is read or forwarded
	Misdated     uint64 // frames of a capture whose time cannot be right, and was replaced

	TunnelSkips [decap.TunnelSkips]uint64 // packets of tunnels that were not entered; all of them are in Reasons

	FragmentsHeld        uint64 // fragments taken for reassembly
	FragmentsDuplicate   uint64 // fragments that came again, which count for no flow
	FragmentsIncomplete  uint64 // fragments of packets that were not reassembled: others were late, truncated or malformed
	FragmentsOverlapping uint64 // those of them whose packet a receiver drops, since fragments overlap or contradict each other
	FragmentsEvicted     uint64 // fragments of packets that were not reassembled, since the reassembly memory was used up
	Reassembled          uint64 // packets reassembled from fragments
	ReassembledBad       uint64 // those of them with a wrong checksum, which are not read

	Sessions        uint64 // mirror sessions seen
	SessionsRefused uint64 // packets of sessions beyond the bound of the session table, accounted to session 0
	Unattributed    uint64 // packets of mirror sessions that the inventory does not know; none without an inventory
	FlowsNew        uint64
	FlowsEnded      [4]uint64 // by EndReason
	Paired          uint64    // packets whose other copy, mirrored at the other end, was seen
	SecondCopies    uint64    // copies of packets of which the same session had sent one before, since its interface passes them on
	PairsEvicted    uint64    // copies that stopped waiting for their duplicates since the memory was used up
	NamesRefused    uint64    // names for which the name memory had no room
	Undecided       uint64    // events and flows that claim nothing about DNS, since the memory for events that wait was full
	StreamsNew      uint64    // flows whose first bytes were read
	StreamsEvicted  uint64    // flows that lost their parsing state since its memory was used up
	SegmentsHeld    uint64    // TCP segments that waited for the other direction
	SegmentsEmptied uint64    // of these, segments that waited without their payload, since much of their flow waited
	SegmentsEvicted uint64    // flows whose segments waited no longer since the memory was used up
	Gaps            uint64    // times that TCP bytes were missing, though they may have come late
	LostBytes       uint64    // TCP bytes that were missing when their flows ended
	Retransmits     uint64    // TCP segments with nothing new

	Refused [NumRefusals]uint64 // TCP segments, or parts of them, that their receiver would drop

	Forward Forwarding // frames by whether they were forwarded

	Hints  [l7.Protos]uint64 // messages or transactions reported
	Events [Kinds]uint64     // events produced

	FlowsActive   uint64 // gauge
	StreamsActive uint64 // gauge
}

// CountDatagram counts a datagram, and what became of it.
func (c *Counters) CountDatagram(why decap.Reason, d *decap.Datagram) {
	c.Datagrams++
	c.Bytes += uint64(d.WireLen)
	c.Reasons[why]++
	if d.Misdated {
		c.Misdated++
	}
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
	c.Misdated += o.Misdated
	for i := range o.TunnelSkips {
		c.TunnelSkips[i] += o.TunnelSkips[i]
	}
	c.FragmentsHeld += o.FragmentsHeld
	c.Reassembled += o.Reassembled
	c.FragmentsIncomplete += o.FragmentsIncomplete
	c.FragmentsEvicted += o.FragmentsEvicted
	c.FragmentsDuplicate += o.FragmentsDuplicate
	c.FragmentsOverlapping += o.FragmentsOverlapping
	c.ReassembledBad += o.ReassembledBad
	c.Sessions += o.Sessions
	c.SessionsRefused += o.SessionsRefused
	c.Unattributed += o.Unattributed
	c.FlowsNew += o.FlowsNew
	for i := range o.FlowsEnded {
		c.FlowsEnded[i] += o.FlowsEnded[i]
	}
	c.Paired += o.Paired
	c.SecondCopies += o.SecondCopies
	c.PairsEvicted += o.PairsEvicted
	c.NamesRefused += o.NamesRefused
	c.Undecided += o.Undecided
	c.StreamsNew += o.StreamsNew
	c.StreamsEvicted += o.StreamsEvicted
	c.SegmentsHeld += o.SegmentsHeld
	c.SegmentsEmptied += o.SegmentsEmptied
	c.SegmentsEvicted += o.SegmentsEvicted
	c.Gaps += o.Gaps
	c.LostBytes += o.LostBytes
	c.Retransmits += o.Retransmits
	for i := range o.Refused {
		c.Refused[i] += o.Refused[i]
	}
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
