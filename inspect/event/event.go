// Package event defines the output of a worker: events in batches. A batch owns all of its bytes. Nothing in it refers to packets
// or flow tables, so exporters may keep it as long as they like.
package event

import (
	"net/netip"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/l7"
)

// Kind is the kind of an event. Losses are counted by kind.
type Kind uint8

// Kinds of event. The type of an AppLayer event is its protocol.
const (
	AppLayer Kind = iota // one message or transaction of a flow: tls, dns, http
	Flow                 // a flow ended
	Stats                // the program's counters
	Interval             // what a flow counted in an aggregation window
	Closed               // an aggregation window is complete: the Interval events of all workers came before
	Activity             // what a flow did since its last Activity event, for those who look for alerts
	Alert                // a fact that the policy wants to be told
	Kinds                // the number of kinds; not a kind
)

var kindNames = [Kinds]string{
	AppLayer: "app_layer", Flow: "flow", Stats: "stats", Interval: "interval", Closed: "window_closed",
	Activity: "activity", Alert: "alert",
}

// String returns the kind's name, as metrics and summaries show it.
func (k Kind) String() string { return kindNames[k] }

// KindSet is a set of kinds, with one bit each.
type KindSet uint8

// KindsOf returns a set of kinds.
func KindsOf(kinds ...Kind) (s KindSet) {
	for _, k := range kinds {
		s |= 1 << k
	}
	return s
}

// Has reports whether a kind is in the set.
func (s KindSet) Has(k Kind) bool { return s&(1<<k) != 0 }

// Span is a range of a batch's bytes or fields.
type Span struct{ Off, Len uint32 }

// An Event is one observation. All addresses are those of the inner packets.
type Event struct {
	Kind      Kind
	Proto     l7.Proto // the flow's application protocol so far; for AppLayer the event's type
	OrigProto l7.Proto // what the connection began with, if it switched protocols; else None
	Nanos     int64    // Unix nanoseconds: the packet's time for AppLayer, the time at which the end was detected for Flow

	// The flow, oriented from client (Src) to server (Dst).
	FlowID           uint64 // the same in all events of a flow; 51 bits, so that every JSON reader keeps them
	Src, Dst         decap.Addr
	SrcPort, DstPort uint16 // 0 for protocols without ports
	IPProto          uint8
	IPVersion        uint8 // 4 or 6
	ICMPType         uint8 // of the flow's first packet
	ICMPCode         uint8
	VLANs            [decap.MaxVLANs]uint16
	NumVLANs         uint8

	// The mirror session. Zero for plain captures.
	Mirrored bool
	Outer    netip.Addr // the mirrored interface's primary address: the source of the outer packets
	VNI      uint32

	Tag uint16 // the 802.1Q tag under which the flow's frames are forwarded; 0 for none

	Owner       *Owner        // nil without an inventory, and for sessions that it does not know
	Direction   Direction     // of the packets that Src sent
	Paired      MirrorSession // the session with the second copies, if both ends are mirrored; else zero
	PairedOwner *Owner        // the owner of that session; nil as Owner is

	// The hint: the flow's name for people, and its evidence.
	Name           Span // of the batch's bytes
	NameSource     l7.NameSource
	NameConfidence Confidence
	Conflicts      Conflict
	Direct         Direct
	ECH            ECH
	Initiator      Initiator
	Policy         *Verdict // nil without a policy, and for flows that were opened from elsewhere

	Fields  Span // AppLayer: of the batch's fields
	Flow    FlowRecord
	Window  WindowRecord // Interval and Closed; its names are those of all events if a policy judges them
	Stats   *Totals      // Stats: an immutable snapshot
	Finding *Finding     // Alert
}

// HasPorts reports whether the flow's protocol has ports.
func (e *Event) HasPorts() bool {
	return e.IPProto == decap.TCP || e.IPProto == decap.UDP || e.IPProto == decap.SCTP
}

// IsTCP reports whether the flow's protocol is TCP.
func (e *Event) IsTCP() bool { return e.IPProto == decap.TCP }

// IsICMP reports whether the flow's protocol is ICMP or ICMPv6.
func (e *Event) IsICMP() bool { return e.IPProto == decap.ICMP || e.IPProto == decap.ICMPv6 }

// Addrs returns the addresses of client and server. IPv4-mapped addresses of an IPv6 packet stay as they are.
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

// FlowRecord is the part of a Flow event. Index 0 is for the packets of the client (Src), index 1 for those of the server.
type FlowRecord struct {
	Packets, Bytes [2]uint64 // bytes of the inner IP packets, as their headers give them
	Payload        [2]uint64 // transport payload bytes seen, without retransmissions
	Lost           [2]uint64 // TCP bytes that the peer acknowledged and of which no copy was seen
	Start, End     int64     // first and last packet, Unix nanoseconds
	TCPFlags       [2]uint8  // all flags seen, ORed
	TCPState       TCPState
	State          State
	Reason         EndReason
	Truncated      bool   // copies were cut: by a packet length, an MTU or a snap length
	Fragments      bool   // incomplete fragments, accounted by their addresses
	Passes         bool   // the mirrored interface passes packets on: those that came twice were counted once
	Unpaired       uint32 // packets that left one mirrored end and were not seen at the other one, counted since the ends are known to be paired
	Messages       uint32 // application messages or transactions reported: Suricata's tx_cnt
}

// WindowRecord is the part of an Interval event, and all that a Closed event has. In the FlowRecord of an Interval event,
// Packets, Bytes and TCPFlags are those of the window alone. Its other fields are those of the flow so far; Unpaired is not
// set. Of an Activity event From is 0 for the first one of a flow, and the FlowRecord is that of the flow so far.
type WindowRecord struct {
	From, To uint32 // the window, Unix seconds: From is inclusive, To exclusive
	// First and last packet of each direction in the window, Unix seconds, by index as in FlowRecord. A late packet counts
	// into the window in which it came, as of the beginning of that window.
	First, Last [2]uint32
	Payload     [2]uint64 // transport payload in the window, each byte once
	SNI         Span      // the server name that the client asked for, of the batch's bytes; likewise the following
	DNSName     Span      // the name for which DNS gave the address
	JA4         Span      // of the client's hello
	Answered    bool      // packets of both directions were seen so far
	Begins      bool      // it is the flow's first: Activity only
	Credentials bool      // credentials were sent in it that everyone on the way can read: Activity only
	Named       bool      // the flow got a name after bytes of it were reported: Activity only
	// Lost is the number of copies that the program lost before they were counted, since the last window was closed: Closed only.
	Lost    uint64
	Partial bool // the program began or ended within the window, by the clock, so that packets may be missing: Closed only
}

// SynAck is set in the TCPFlags of an Interval event if a packet had both flags. It is the bit of ECE, which flow logs do not
// have.
const SynAck = 0x40

// Field is an l7.Field whose text is in the batch. It is small, since an event has some twenty and most of their cost is the
// transfer from the worker's core to the exporter's.
type Field struct {
	Text  Span // of a String; for an Int or a Bool the two halves of its number, which Num returns
	Key   l7.Key
	Kind  l7.Kind
	Extra bool
}

// Num returns the value of an Int, and 0 or 1 for a Bool.
func (f *Field) Num() int64 { return int64(uint64(f.Text.Off)<<32 | uint64(f.Text.Len)) }

// halves returns a number as a Field stores it.
func halves(n int64) Span { return Span{uint32(uint64(n) >> 32), uint32(uint64(n))} }
