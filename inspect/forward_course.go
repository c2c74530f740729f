package inspect

import (
	"math"
	"unsafe"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/dedup"
	"github.com/mirrorsink/mirrorsink/inspect/flow"
)

// course is what is known of a flow for the sake of forwarding. It lies beside the flow's record and has no pointers either.
type course struct {
	hash     uint32 // of the innermost addresses and ports
	leader   uint16 // the tap whose tag the flow's frames have
	over     uint16 // the rules whose size the flow has reached, a bit each
	verdicts uint16 // the expressions that are true of the flow, a bit each: see holds
	tailMarks
	turns
	seen sight // of the flow, when the expressions were asked last
}

// tailMarks is what rules need to know to tell the tail of a flow, by side.
type tailMarks struct {
	flags   tailFlags
	records [2]uint8
	record  [2]uint32 // TLS: where a record begins; see records
	acked   [2]uint32 // TLS: what the last acknowledgment said that was forwarded
	since   uint32    // TLS: the payload of both sides when both hellos were read
	body    [2]uint32 // HTTP: where that begins which is nothing but body
	behind  [2]uint32 // HTTP: where the next message begins
}

// tailFlags is what is known of the tail of a flow. What is of a side is shifted by its number.
type tailFlags uint8

const (
	tlsGreeted     tailFlags = 1 << iota // both hellos were read
	quicGreeted                          // the client's hello was read
	bodySized                            // of a side: it is certain how long the body is
	_                                    // of the other side
	bodyUntilClose                       // of a side: what follows is body, as long as the connection lasts
	_                                    // of the other side
	quicPublic                           // that hello was behind a public header, as versions of Google's up to Q043 have it
)

// courseSize is the memory that forwarding takes of each flow.
const courseSize = int(unsafe.Sizeof(course{}))

// course returns what is known of a flow.
func (w *Worker) course(r *flow.Record) *course { return &w.forward.courses[w.flows.Ref(r)] }

// setOut begins a flow's course with its first packet.
func (w *Worker) setOut(r *flow.Record, s flow.Side, p *decap.Packet) {
	c := w.course(r)
	*c = course{hash: decap.SteerFlow(p.Src, p.Dst, p.SrcPort, p.DstPort), leader: r.Key.Tap, verdicts: math.MaxUint16}
	if o := w.otherEnd(r, s, p); o != nil {
		c.leader = w.course(o).leader
	}
}

// goTogether gives two flows of one connection, mirrored at both ends, the same tag, so that who reads the frames finds all of
// the connection in one network: the tag of the flow that began first.
func (w *Worker) goTogether(r, o *flow.Record) {
	a, b := w.course(r), w.course(o)
	if a.leader == b.leader {
		return
	}
	if r.Start < o.Start {
		a, b = b, a
	}
	a.leader = b.leader
}

// otherEnd returns the flow of the same connection at its other end, nil if there is none. It is known before any packet was seen
// at both ends: the other end's address is that of one session alone, and its flow goes the other way at it.
func (w *Worker) otherEnd(r *flow.Record, s flow.Side, p *decap.Packet) *flow.Record {
	own, known := r.Own()
	if r.Key.Tap == 0 || !known {
		return nil
	}
	remote := r.Key.Lo
	if own == 0 {
		remote = r.Key.Hi
	}
	key := r.Key
	key.Tap = w.sessions.ByAddress(remote)
	if key.Tap == 0 || key.Tap == r.Key.Tap {
		return nil
	}
	o := w.flows.Find(&key, flow.Hash(&key), r.Start)
	if o == nil || !continues(o, s, p, r.Start) {
		return nil
	}
	if there, known := o.Own(); !known || there == own {
		return nil
	}
	return o
}

// near is how far apart the sequence numbers of a connection may be, as seen at its two ends when the second one is seen first.
// Of two connections that have only their addresses and ports in common one pair in two thousand is as near as that.
const near = 1 << 20

// continues reports whether a packet can be one of a flow by its sequence number, or its acknowledgment. A SYN whose answer came
// first has neither; then the two must have come together.
func continues(o *flow.Record, s flow.Side, p *decap.Packet, nanos int64) bool {
	if p.Proto != decap.TCP || !p.HasTCP {
		return p.Proto != decap.TCP
	}
	if next, known := o.Next(s); known {
		return next-p.Seq+near < 2*near
	}
	if next, known := o.Next(1 - s); known && p.TCPFlags&decap.ACK != 0 {
		return next-p.Ack+near < 2*near
	}
	return nanos-o.Start <= int64(dedup.Span)
}
