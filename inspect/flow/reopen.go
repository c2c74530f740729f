package flow

import (
	"time"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/event"
)

// quiet is how long a live connection must be quiet, in nanoseconds, before a segment that cannot be its own begins another one without more
// evidence. While it is active such a segment is made to mislead: hosts do not use the ports of a live connection again.
const quiet = int64(time.Second)

// Reopens reports whether a packet at a time begins another connection on a flow's addresses and ports: a SYN after the end, or one whose
// number is not that of the connection's own; its answer, if the SYN was not seen; or, if neither was, a message at a place that the
// connection cannot have reached. begins reports whether a payload begins like a message.
func (a Arrival) Reopens(nanos int64, begins func([]byte) bool) bool {
	if !a.p.HasTCP || a.r.Flags == [2]uint8{} {
		return false
	}
	switch a.p.TCPFlags & (decap.SYN | decap.ACK | decap.RST) {
	case decap.SYN:
		return a.anotherSYN() && (!a.active(nanos) || !a.r.BothSides())
	case decap.SYN | decap.ACK:
		return a.anotherSYNACK(nanos)
	case decap.ACK:
		return a.p.PayloadLen > 0 && a.p.Seq != a.r.next[a.s] && a.r.seqKnown(a.s) && a.anotherPlace(nanos) && begins(a.p.Payload)
	}
	return false
}

// active reports whether a connection is established and had packets just before a time.
func (a Arrival) active(nanos int64) bool {
	return a.r.State() == event.StateEstablished && nanos-a.r.End < quiet
}

// anotherSYN reports whether a SYN of a side is not that of the connection.
func (a Arrival) anotherSYN() bool {
	if !a.r.seqKnown(a.s) {
		return a.r.TCPState > event.TCPEstablished
	}
	if a.r.State() == event.StateClosed && a.r.Flags[a.s]&decap.SYN == 0 {
		return !a.r.begins(a.s, a.p.Seq+1) // otherwise it is this connection's own SYN, which comes last
	}
	return !a.r.beganWith(a.s, a.p.Seq+1) || a.r.State() == event.StateClosed && a.r.next[a.s] != a.p.Seq+1
}

// anotherSYNACK reports whether a SYN-ACK of a side is not that of the connection. While that is active it must answer a SYN that was
// refused.
func (a Arrival) anotherSYNACK(nanos int64) bool {
	if a.r.TCPState < event.TCPEstablished || !a.r.seqKnown(a.s) || a.r.beganWith(a.s, a.p.Seq+1) {
		return false
	}
	if a.r.finished(0) && a.r.finished(1) {
		return true
	}
	return !a.r.beganWith(1-a.s, a.p.Ack) && (nanos-a.r.End >= quiet || a.nearFar(1-a.s, a.p.Ack))
}

// anotherPlace reports whether a segment lies where the connection cannot have come. Behind the FINs of both sides nothing follows. A reset
// may not have been taken, so a connection that has one counts as live.
func (a Arrival) anotherPlace(nanos int64) bool {
	if a.r.finished(0) && a.r.finished(1) {
		return a.r.ahead(a.s, a.p.Seq) > 0 || a.foreign(a.s, a.p.Seq)
	}
	return nanos-a.r.End >= quiet && a.foreign(a.s, a.p.Seq) && a.foreign(1-a.s, a.p.Ack)
}

// foreign reports whether a sequence number is none of a side: beyond any window, or from before its first byte.
func (a Arrival) foreign(s Side, seq uint32) bool {
	if !a.r.seqKnown(s) {
		return false
	}
	ahead, limit := a.r.ahead(s, seq), a.limit(s)
	return ahead > limit || -ahead > limit && !a.r.beganWith(s, seq) || a.r.Flags[s]&decap.SYN != 0 && a.before(s, seq)
}
