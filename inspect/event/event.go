// Package event is what a worker says: events in batches. A batch owns all of its bytes; nothing in it refers to packets
// or flow tables, so exporters may keep it as long as they like.
package event

import (
	"net/netip"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/l7"
)

// Kind is the kind of an event. Losses are counted by it.
type Kind uint8

// Kinds of event. AppLayer events are further told apart by their protocol.
const (
	AppLayer Kind = iota // one message or transaction of a flow: tls, dns, http
	Flow                 // a flow ended
	Stats                // the program's counters
	Interval             // what a flow counted in an aggregation window
	Closed               // every worker has passed an aggregation window: what it counted there was told before
	Kinds                // the number of kinds; not a kind
)

var kindNames = [Kinds]string{
	AppLayer: "app_layer", Flow: "flow", Stats: "stats", Interval: "interval", Closed: "window_closed",
}

// String returns the kind's name, as metrics and summaries show it.
func (k Kind) String() string { return kindNames[k] }

// KindSet is a set of kinds: a bit each.
type KindSet uint8

// KindsOf returns the set of some kinds.
func KindsOf(kinds ...Kind) (s KindSet) {
	for _, k := range kinds {
		s |= 1 << k
	}
	return s
}

// Has says whether a kind is in the set.
func (s KindSet) Has(k Kind) bool { return s&(1<<k) != 0 }

// Span is a range of a batch's bytes or fields.
type Span struct{ Off, Len uint32 }

// An Event is one thing that was seen. All addresses are the inner packet's.
type Event struct {
	Kind      Kind
	Proto     l7.Proto // the flow's application protocol so far; for AppLayer the event's type
	OrigProto l7.Proto // what the connection began with, if it switched protocols; else None
	Nanos     int64    // when: the packet's time for AppLayer, the time of the end's detection for Flow; Unix nanoseconds

	// Who: the flow, oriented from client (Src) to server (Dst).
	FlowID           uint64 // joins the events of a flow; 51 bits, so that every JSON reader keeps it
	Src, Dst         decap.Addr
	SrcPort, DstPort uint16 // 0 for protocols without ports
	IPProto          uint8
	IPVersion        uint8 // 4 or 6
	ICMPType         uint8 // of the flow's first packet
	ICMPCode         uint8
	VLANs            [decap.MaxVLANs]uint16
	NumVLANs         uint8

	// Where: the mirror session. Zero for plain captures.
	Mirrored bool
	Outer    netip.Addr // the mirrored interface's primary address: the envelope's source
	VNI      uint32

	Tag uint16 // the 802.1Q tag under which the flow's frames are forwarded; 0 for none

	Owner       *Owner        // nil without an inventory, and for sessions that it does not know
	Direction   Direction     // of what Src sent
	Paired      MirrorSession // the session at which the other copies were seen, if both ends are mirrored; zero if not
	PairedOwner *Owner        // whose that session is; nil like Owner

	// The hint: what a person would call the flow.
	Name           Span // of the batch's bytes
	NameSource     l7.NameSource
	NameConfidence Confidence
	Conflicts      Conflict
	Direct         Direct
	ECH            ECH
	Initiator      Initiator

	Fields Span // AppLayer: of the batch's fields
	Flow   FlowRecord
	Window WindowRecord // Interval and Closed
	Stats  *Totals      // Stats: a snapshot that nobody writes to any more
}

// HasPorts says whether the flow's protocol has ports.
func (e *Event) HasPorts() bool {
	return e.IPProto == decap.TCP || e.IPProto == decap.UDP || e.IPProto == decap.SCTP
}

// IsTCP says whether the flow's protocol is TCP.
func (e *Event) IsTCP() bool { return e.IPProto == decap.TCP }

// IsICMP says whether the flow's protocol is ICMP or ICMPv6.
func (e *Event) IsICMP() bool { return e.IPProto == decap.ICMP || e.IPProto == decap.ICMPv6 }

// Addrs returns the addresses of client and server. An IPv6 packet may have IPv4-mapped ones, which stay what they are.
func (e *Event) Addrs() (src, dst netip.Addr) {
	if e.IPVersion == 6 {
		return netip.AddrFrom16(e.Src), netip.AddrFrom16(e.Dst)
	}
	return e.Src.Netip(), e.Dst.Netip()
}

// MirrorSession is a mirror session: the mirrored interface's primary address, and the VNI.
type MirrorSession struct {
	Outer netip.Addr
	VNI   uint32
}

// FlowRecord is what a Flow event adds. Index 0 counts what the client (Src) sent, 1 what the server sent.
type FlowRecord struct {
	Packets, Bytes [2]uint64 // bytes of the inner IP packets as their headers say
	Payload        [2]uint64 // transport payload bytes seen, each once: without retransmissions
	Lost           [2]uint64 // TCP bytes that the peer acknowledged and no copy of which was seen
	Start, End     int64     // first and last packet, Unix nanoseconds
	TCPFlags       [2]uint8  // all flags seen, ORed
	TCPState       TCPState
	State          State
	Reason         EndReason
	Truncated      bool   // copies were cut: a packet length, an MTU or a snap length
	Fragments      bool   // fragments that could not be put together, accounted by their addresses
	Unpaired       uint32 // packets that left one mirrored end and were not seen at the other, since they were known to be paired
	Messages       uint32 // application messages or transactions reported: Suricata's tx_cnt
}

// WindowRecord is what an Interval event adds, and all that a Closed one has. The Flow of an Interval event has the counts of
// the window alone in Packets, Bytes and TCPFlags, and is of the flow so far in the rest; Unpaired is not set.
type WindowRecord struct {
	From, To uint32 // the window, Unix seconds: From is in it, To is not
	// First and last packet of each direction in the window, Unix seconds, by index as in FlowRecord. What came late counts
	// into the window in which it came, and as of its beginning.
	First, Last [2]uint32
	SNI         Span // the server name that the client asked for, of the batch's bytes; likewise the following
	DNSName     Span // the name for which DNS had given the address
	JA4         Span // of the client's hello
	Answered    bool // both ends of the flow were heard so far
	// Lost is how many copies the program lost before they were counted, since the last window was closed: Closed only.
	Lost    uint64
	Partial bool // the program began or ended within the window, by the clock: who had no packet may have had some. Closed only
}

// SynAck is set in the TCPFlags of an Interval event if both flags were on one packet. It is the bit of ECE, which flow logs
// do not have.
const SynAck = 0x40

// Field is an l7.Field whose text lies in the batch. It is kept small: an event has some twenty, and most of what they cost is to
// bring them from the worker's core to the exporter's.
type Field struct {
	Text  Span // a String's; of an Int or a Bool the two halves of its number, which Num returns
	Key   l7.Key
	Kind  l7.Kind
	Extra bool
}

// Num returns an Int's value, a Bool's 0 or 1.
func (f *Field) Num() int64 { return int64(uint64(f.Text.Off)<<32 | uint64(f.Text.Len)) }

// halves returns a number as a Field has it.
func halves(n int64) Span { return Span{uint32(uint64(n) >> 32), uint32(uint64(n))} }
