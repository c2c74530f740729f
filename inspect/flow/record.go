// Package flow keeps a record of each flow: a table of fixed-size records in a slab without pointers, found by key, ended by idle time
// or evicted when its memory is used up; the sequence arithmetic of TCP; and the counts of aggregation windows. It knows nothing of
// protocols above the transport and emits no events: it calls its owner when a record ends.
//
// Nothing here is safe for concurrent use: a worker owns its table.
package flow

import (
	"math"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/l7"
)

// A Side is one end of a flow: 0 is the key's Lo, 1 its Hi. Counters are kept by side, so that finding out later who the
// client is costs nothing: only the orientation of the record changes.
type Side = uint8

// Record is what is known of one flow. It holds no pointers, so that the garbage collector never looks at the slab, and
// takes three cache lines.
type Record struct {
	Start, End int64 // first and last packet, Unix nanoseconds

	bytes    volume         // of the IP packets as their headers say
	payload  volume         // transport payload, each byte once
	interval intervalCounts // of the aggregation window

	Packets [2]uint32 // by side; saturates
	Missing [2]uint32 // by side: TCP bytes skipped or acknowledged without a copy; saturates
	next    [2]uint32 // by side: the TCP sequence number that comes next
	gapEnd  [2]uint32 // by side: the sequence number at which the latest gap ends; the latest timestamp with habitStamp
	senders [2]sender // by side

	list   links
	Name   uint32 // in Names; 0 is none
	Stream uint32 // the caller's parsing state; 0 is none

	Key     decap.Key
	VLANs   uint16 // the caller's number of a stack of VLAN tags
	Message uint16 // application messages reported; saturates

	Flags         [2]uint8 // by side: TCP flags seen, ORed
	intervalFlags [2]uint8
	TCPState      event.TCPState
	Proto         l7.Proto
	Original      l7.Proto // what the connection began with, if it switched protocols
	NameSource    l7.NameSource
	Initiator     event.Initiator
	Tries         uint8 // how often no parser recognised anything
	marks         uint8 // the class of the list that the record is in, and the marks above it
	bits          uint8
	NameFlags     NameFlags
	Unpaired      uint8  // packets of which the other copy never came, since Paired is known; saturates
	Paired        uint16 // the mirror session of the packets' other copies; 0 is none
}

// volume counts bytes by side, in 48 bits each, so that the record keeps its size.
type volume struct {
	low  [2]uint32
	high [2]uint16
}

func (v *volume) add(s Side, n uint64) {
	sum := v.of(s) + n
	v.low[s], v.high[s] = uint32(sum), uint16(sum>>32)
}

func (v *volume) sub(s Side, n uint64) {
	rest := v.of(s) - min(n, v.of(s))
	v.low[s], v.high[s] = uint32(rest), uint16(rest>>32)
}

func (v *volume) of(s Side) uint64 { return uint64(v.high[s])<<32 | uint64(v.low[s]) }

// Bytes returns the bytes of the IP packets of a side, as their headers say.
func (r *Record) Bytes(s Side) uint64 { return r.bytes.of(s) }

// Payload returns the bytes of transport payload of a side, each byte once.
func (r *Record) Payload(s Side) uint64 { return r.payload.of(s) }

// NameFlags is what the caller found about a flow's name, in one byte.
type NameFlags uint8

// Parts of NameFlags.
const (
	Conflicts NameFlags = 0b0000_0011 // event.Conflict
	Direct    NameFlags = 0b0001_1100 // event.Direct, shifted
	WeakName  NameFlags = 0b0010_0000 // the name from DNS is one of several, old, or was asked for by another host
	ECH       NameFlags = 0b1100_0000 // event.ECH, shifted

	directShift = 2
	echShift    = 6
)

// Conflicts returns in what the connection disagrees with what is known otherwise.
func (f NameFlags) Conflicts() event.Conflict { return event.Conflict(f & Conflicts) }

// Direct returns why no lookup explains the flow.
func (f NameFlags) Direct() event.Direct { return event.Direct(f & Direct >> directShift) }

// ECH returns what is known of the client's encrypted hello.
func (f NameFlags) ECH() event.ECH { return event.ECH(f & ECH >> echShift) }

// WithDirect returns the facts with another reason.
func (f NameFlags) WithDirect(d event.Direct) NameFlags {
	return f&^Direct | NameFlags(d)<<directShift&Direct
}

// WithECH returns the facts with another class of encrypted hello.
func (f NameFlags) WithECH(e event.ECH) NameFlags { return f&^ECH | NameFlags(e)<<echShift&ECH }

const (
	bitClientHi  = 1 << iota // the client is the key's Hi
	bitSeq0                  // next[0] is valid
	bitSeq1                  // next[1] is valid
	bitTruncated             // copies were truncated
	bitOwn                   // it is known which side is the mirrored interface's own
	bitOwnHi                 // that is the key's Hi
	bitListed                // it is in the table's ring: see Table.Aggregate
	bitOdd                   // the window that it counts in has an odd number
)

// The lowest bits of a record's marks are the class of its list.
const (
	maskClass   = 1<<3 - 1
	markWaiting = 1 << 3 // segments of the flow wait: see SetWaiting
	markAlone   = 1 << 4 // a side that was not seen is not waited for any more
	markFIN0    = 1 << 5 // next[0] is behind a FIN
	markFIN1    = 1 << 6
	markPasses  = 1 << 7 // copies of packets came twice: see SetPasses
)

// class returns the class of the list that the record is in.
func (r *Record) class() class { return class(r.marks & maskClass) }

func (r *Record) setClass(c class) { r.marks = r.marks&^maskClass | uint8(c) }

// Passes reports whether the mirrored interface receives the flow's packets and sends them on, so that each has two copies.
func Passes(r *Record) bool { return r.marks&markPasses != 0 }

// SetPasses sets Passes.
func SetPasses(r *Record) { r.marks |= markPasses }

// Waiting reports whether the caller keeps segments of the flow until others have come. It is the caller's mark.
func (r *Record) Waiting() bool { return r.marks&markWaiting != 0 }

// SetWaiting sets whether the caller keeps segments of the flow.
func (r *Record) SetWaiting(waiting bool) {
	r.marks &^= markWaiting
	if waiting {
		r.marks |= markWaiting
	}
}

// Client returns the side that opened the flow, as far as is known.
func (r *Record) Client() Side { return r.bits & bitClientHi }

// Endpoint is an address and a port of a flow's key.
type Endpoint struct {
	Addr decap.Addr
	Port uint16
}

// Endpoints returns the client's and the server's end, as far as it is known which is which.
func (r *Record) Endpoints() (client, server Endpoint) {
	client, server = Endpoint{r.Key.Lo, r.Key.LoPort}, Endpoint{r.Key.Hi, r.Key.HiPort}
	if r.Client() == 1 {
		client, server = server, client
	}
	return client, server
}

// Own returns the side on which the mirrored interface is, itself or as the way to it: it sends the packets of that side, and receives
// those of the other.
func (r *Record) Own() (s Side, known bool) { return r.bits / bitOwnHi & 1, r.bits&bitOwn != 0 }

// Direction returns the direction of what the flow's client sends, at the mirrored interface.
func (r *Record) Direction() event.Direction {
	switch own, known := r.Own(); {
	case !known:
		return event.NoDirection
	case own == r.Client():
		return event.Egress
	default:
		return event.Ingress
	}
}

// OwnedBy sets on which side the mirrored interface is.
func (r *Record) OwnedBy(s Side) { r.bits = r.bits&^bitOwnHi | bitOwn | (s&1)*bitOwnHi }

// Truncated reports whether copies of packets were truncated.
func (r *Record) Truncated() bool { return r.bits&bitTruncated != 0 }

// BothSides reports whether packets of both directions were seen.
func (r *Record) BothSides() bool { return r.Packets[0] != 0 && r.Packets[1] != 0 }

// OpenedBy sets which side opened the flow, and on what evidence, and reports whether that turns the flow round. It changes nothing if
// the flow has evidence of the same or more weight already.
func (r *Record) OpenedBy(s Side, by event.Initiator) (turned bool) {
	if by <= r.Initiator && !(r.Packets[0] == 0 && r.Packets[1] == 0) {
		return false
	}
	turned = r.Client() != s&bitClientHi
	r.Initiator = by
	r.bits = r.bits&^bitClientHi | s&bitClientHi
	return turned
}

// Count adds a packet of a side at a time: n packets if it was put together from fragments.
func (r *Record) Count(s Side, p *decap.Packet, packets uint32, bytes uint64, nanos int64) {
	r.Packets[s] = saturated(r.Packets[s], packets)
	r.bytes.add(s, bytes)
	r.End = max(r.End, nanos)
	if p.Truncated {
		r.bits |= bitTruncated
	}
	if p.Proto == decap.TCP {
		return // sequence numbers show what is new: see Segment
	}
	r.payload.add(s, uint64(p.PayloadLen))
}

// Next returns the sequence number of the byte that comes next from a side, that of its FIN if that came; known is false before its first
// packet.
func (r *Record) Next(s Side) (seq uint32, known bool) {
	seq = r.next[s]
	if r.finished(s) {
		seq--
	}
	return seq, r.seqKnown(s)
}

// saturated adds without wrapping.
func saturated(a, b uint32) uint32 {
	if a+b < a {
		return math.MaxUint32
	}
	return a + b
}

// State is the flow's state in Suricata's terms, which rules its timeout.
func (r *Record) State() event.State {
	if r.Key.Proto == decap.TCP {
		switch r.TCPState {
		case event.TCPNone, event.TCPSynSent, event.TCPSynRecv:
			return event.StateNew
		case event.TCPClosed:
			return event.StateClosed
		case event.TCPEstablished, event.TCPFinWait1, event.TCPFinWait2, event.TCPLastAck:
			return event.StateEstablished
		}
	}
	if r.BothSides() {
		return event.StateEstablished
	}
	return event.StateNew
}
