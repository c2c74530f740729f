// Package event is what a worker says: events in batches. A batch owns all of its bytes; nothing in it refers to packets
// or flow tables, so exporters may keep it as long as they like.
package event

import (
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"unsafe"

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

// Initiator says on what evidence a flow's client was found, in ascending order of weight.
type Initiator uint8

// Evidence for who opened a flow.
const (
	ByFirstPacket Initiator = iota // who was seen first
	ByPorts                        // a system port against another one
	ByBanner                       // who received a server's greeting or response
	ByRequest                      // who sent an application's request
	ByDNSQuery
	ByHTTPRequest
	ByTLSHello
	ByQUICInitial
	ByICMPType // who sent an ICMP request
	BySYNACK   // who received the SYN-ACK
	BySYN      // who sent the SYN
	numInitiators
)

var initiatorNames = [numInitiators]string{
	ByFirstPacket: "first_packet", ByPorts: "ports", ByBanner: "server_banner", ByRequest: "request", ByDNSQuery: "dns_query",
	ByHTTPRequest: "http_request", ByTLSHello: "tls_client_hello", ByQUICInitial: "quic_initial", ByICMPType: "icmp_type",
	BySYNACK: "synack", BySYN: "syn",
}

// String returns the spelling of hint.initiator_reason.
func (i Initiator) String() string { return initiatorNames[i] }

// Confidence says how sure the evidence makes: it is high for what only a client sends, medium for what servers usually
// send, low for a guess.
func (i Initiator) Confidence() Confidence {
	switch {
	case i >= ByRequest:
		return High
	case i == ByBanner:
		return Medium
	default:
		return Low
	}
}

// Confidence is how much a statement can be relied on.
type Confidence uint8

// Confidences.
const (
	Low Confidence = iota
	Medium
	High
	numConfidences
)

var confidenceNames = [numConfidences]string{Low: "low", Medium: "medium", High: "high"}

// String returns the spelling of hint.name_confidence and hint.initiator_confidence.
func (c Confidence) String() string { return confidenceNames[c] }

// Direct says why a flow counts as made straight to an address, without a lookup that explains it.
type Direct uint8

// Reasons for direct-to-address.
const (
	NotDirect     Direct = iota // explained, or exempt
	NoLookup                    // no answer on that mirror session gave the address
	LookupExpired               // one did, but its time was over
	DoHSuspected                // the client speaks to a public resolver over TLS
	NotArmed                    // no DNS answer was seen on that session, so nothing can be said
	numDirects
)

var directNames = [numDirects]string{
	NotDirect: "no", NoLookup: "no_lookup", LookupExpired: "lookup_expired", DoHSuspected: "doh_suspected", NotArmed: "not_armed",
}

// String returns the spelling of hint.direct_to_address.
func (d Direct) String() string { return directNames[d] }

// ECH says what is known of a client's encrypted hello (RFC 9849). Clients that have no key for a server send one of random
// bytes (GREASE), which looks the same.
type ECH uint8

// Classes of encrypted hello.
const (
	ECHNone    ECH = iota // the client sent none
	ECHUnknown            // it sent one; nothing was seen that tells which
	ECHGrease             // the client had no key for the name that it asked for
	ECHReal               // the client had a key: the name in the clear is not the server's
	numECHs
)

var echNames = [numECHs]string{ECHNone: "none", ECHUnknown: "unknown", ECHGrease: "grease", ECHReal: "real"}

// String returns the spelling of hint.ech.
func (e ECH) String() string { return echNames[e] }

// Conflict is a set of disagreements between what a connection says and what is known otherwise.
type Conflict uint8

// Disagreements.
const (
	SNINotInDNS  Conflict = 1 << iota // the server name is none that DNS gave for the address
	HostNotInSNI                      // the HTTP host and the server name of one connection differ
	numConflicts = iota
)

// Conflicts are the spellings of hint.conflicts, by bit.
var Conflicts = [numConflicts]string{"sni_not_in_dns", "host_ne_sni"}

// State is a flow's state, in Suricata's words.
type State uint8

// States of a flow.
const (
	StateNew State = iota
	StateEstablished
	StateClosed
	numStates
)

var stateNames = [numStates]string{StateNew: "new", StateEstablished: "established", StateClosed: "closed"}

// String returns Suricata's spelling of flow.state.
func (s State) String() string { return stateNames[s] }

// TCPState is a TCP connection's state as its flags tell it, in Suricata's words. A connection has one state, not one for
// each end, so CLOSING, CLOSE_WAIT and TIME_WAIT, which only one end knows of, do not occur.
type TCPState uint8

// States of a TCP flow.
const (
	TCPNone TCPState = iota
	TCPSynSent
	TCPSynRecv
	TCPEstablished
	TCPFinWait1
	TCPFinWait2
	TCPLastAck
	TCPClosed
	numTCPStates
)

var tcpStateNames = [numTCPStates]string{
	TCPNone: "none", TCPSynSent: "syn_sent", TCPSynRecv: "syn_recv", TCPEstablished: "established", TCPFinWait1: "fin_wait1",
	TCPFinWait2: "fin_wait2", TCPLastAck: "last_ack", TCPClosed: "closed",
}

// String returns Suricata's spelling of tcp.state.
func (s TCPState) String() string { return tcpStateNames[s] }

// EndReason says why a flow event was written, in Suricata's words where it has one.
type EndReason uint8

// Reasons for a flow's end.
const (
	EndTimeout  EndReason = iota // idle for longer than its state allows
	EndForced                    // evicted: the flow table's memory was used up
	EndShutdown                  // the program, or the capture, ended
	EndReused                    // a new connection began on the same addresses and ports
	numEndReasons
)

var endReasonNames = [numEndReasons]string{EndTimeout: "timeout", EndForced: "forced", EndShutdown: "shutdown", EndReused: "tcp_reuse"}

// String returns Suricata's spelling of flow.reason.
func (r EndReason) String() string { return endReasonNames[r] }

// Span is a range of a batch's bytes or fields.
type Span struct{ Off, Len uint32 }

// An Event is one thing that was seen. All addresses are the inner packet's.
type Event struct {
	Kind     Kind
	Proto    l7.Proto // the flow's application protocol so far; for AppLayer the event's type
	Original l7.Proto // what the connection began with, if it switched protocols; else None
	Nanos    int64    // when: the packet's time for AppLayer, the time of the end's detection for Flow; Unix nanoseconds

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

	Owner       *Owner    // nil without an inventory, and for sessions that it does not know
	Direction   Direction // of what Src sent
	Paired      Tap       // the session at which the other copies were seen, if both ends are mirrored; zero if not
	PairedOwner *Owner    // whose that session is; nil like Owner

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

// Tap is a mirror session: the mirrored interface's primary address, and the VNI.
type Tap struct {
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
	Pieces         bool   // fragments that could not be put together, accounted by their addresses
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
	Lost uint64
	Part bool // the program began or ended within the window, by the clock: who had no packet may have had some. Closed only
}

// SynAck is set in the TCPFlags of an Interval event if both flags were on one packet. It is the bit of ECE, which flow logs
// do not have.
const SynAck = 0x40

// Field is an l7.Field whose text lies in the batch.
type Field struct {
	Key   string
	Text  Span
	Num   int64
	Kind  l7.Kind
	Extra bool
}

// A Batch is a sequence of events with the bytes that they refer to. It is immutable once it was handed to a sink, until
// everybody who holds it has released it.
type Batch struct {
	Events []Event
	fields []Field
	bytes  []byte

	holders  atomic.Int32
	recycled bool // comes from NewBatch, and goes back there
}

// spare are batches that nobody holds, at most maxSpare. A sync.Pool would forget them at every collection, and what it
// costs to grow a batch again is most of what it costs to fill it. The one that was released last is used first: its memory
// is still in the caches.
var spare struct {
	mu      sync.Mutex // guards the following
	batches []*Batch
}

const maxSpare = 64

// NewBatch returns an empty batch, which its caller holds. Its memory may have been that of one released before. The zero
// Batch is good too, but is left to the garbage collector.
func NewBatch() *Batch {
	b := takeSpare()
	if b == nil {
		b = &Batch{recycled: true}
	}
	b.holders.Store(1)
	return b
}

// takeSpare returns a batch that nobody holds; nil if there is none.
func takeSpare() (b *Batch) {
	spare.mu.Lock()
	defer spare.mu.Unlock()
	if n := len(spare.batches); n > 0 {
		b = spare.batches[n-1]
		spare.batches = spare.batches[:n-1]
	}
	return b
}

// Retain makes the caller one more holder of the batch. It is safe for concurrent use, by those who hold it.
func (b *Batch) Retain() { b.holders.Add(1) }

// Release ends one holding. After the last one the batch and all slices of it may be used for other events. Who never
// releases costs memory, and no more.
func (b *Batch) Release() {
	if b.holders.Add(-1) == 0 && b.recycled {
		b.Reset()
		spare.mu.Lock()
		defer spare.mu.Unlock()
		if len(spare.batches) < maxSpare {
			spare.batches = append(spare.batches, b)
		}
	}
}

// Text returns the bytes of a span. They alias the batch.
func (b *Batch) Text(s Span) []byte { return b.bytes[s.Off : s.Off+s.Len : s.Off+s.Len] }

// Fields returns an event's fields. They alias the batch.
func (b *Batch) Fields(e *Event) []Field {
	return b.fields[e.Fields.Off : e.Fields.Off+e.Fields.Len : e.Fields.Off+e.Fields.Len]
}

// Size returns the bytes of memory that the batch's contents take.
func (b *Batch) Size() int {
	return len(b.bytes) + len(b.fields)*fieldSize + len(b.Events)*eventSize
}

// Footprint returns the bytes of memory that the batch holds, used or not: what a queue that keeps it is charged.
func (b *Batch) Footprint() int {
	return cap(b.bytes) + cap(b.fields)*fieldSize + cap(b.Events)*eventSize
}

const (
	fieldSize = int(unsafe.Sizeof(Field{}))
	eventSize = int(unsafe.Sizeof(Event{}))
)

// Reset empties the batch and keeps its memory. Its owner must be the only one to hold it. What is left in the memory points
// at nothing but constants and owners.
func (b *Batch) Reset() {
	b.Events, b.fields, b.bytes = b.Events[:0], b.fields[:0], b.bytes[:0]
}

// CopyText copies text into the batch.
func (b *Batch) CopyText(text []byte) Span {
	s := Span{uint32(len(b.bytes)), uint32(len(text))}
	b.bytes = append(b.bytes, text...)
	return s
}

// CopyFields copies a hint's fields, and the text that they alias, into the batch. This is the one place on the data path
// where bytes of packets are copied.
func (b *Batch) CopyFields(fields []l7.Field) Span {
	s := Span{uint32(len(b.fields)), uint32(len(fields))}
	copies, text := slices.Grow(b.fields, len(fields)), b.bytes
	for i := range fields {
		f := &fields[i]
		at := Span{uint32(len(text)), uint32(len(f.Text))}
		text = append(text, f.Text...)
		copies = append(copies, Field{Key: f.Key, Text: at, Num: f.Num, Kind: f.Kind, Extra: f.Extra})
	}
	b.fields, b.bytes = copies, text
	return s
}

// Join copies fields that were copied into another batch before, behind those copied last. Their texts lie there one after the
// other, and are copied at once.
func (b *Batch) Join(from *Batch, fields Span) Span {
	s := Span{uint32(len(b.fields)), fields.Len}
	if fields.Len == 0 {
		return s
	}
	b.fields = append(b.fields, from.fields[fields.Off:fields.Off+fields.Len]...)
	added := b.fields[s.Off:]
	first, last := added[0].Text, added[len(added)-1].Text
	moved := uint32(len(b.bytes)) - first.Off
	b.bytes = append(b.bytes, from.bytes[first.Off:last.Off+last.Len]...)
	for i := range added {
		added[i].Text.Off += moved
	}
	return s
}
