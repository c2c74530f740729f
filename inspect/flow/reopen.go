package flow

import (
	"time"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/event"
)

// How long a live connection must be quiet, in nanoseconds, before a segment that cannot be its own begins another one without more
// evidence. While it is active such a segment is made to mislead: hosts do not use the ports of a live connection again. After a reset they
// may at once. Segments that are made to mislead come together with those that they are to hide.
const (
	quiet           = int64(time.Second)
	quietAfterReset = int64(50 * time.Millisecond)
)

// Place is where a segment stands to the connection that a record has.
type Place uint8

// Places.
const (
	Within  Place = iota // it may belong to the connection
	Astray               // it lies where the connection cannot have come, and does not show that another one has begun
	Another              // it begins another connection on the same addresses and ports
)

// Place returns where a packet at a time stands. It begins another connection if it is a SYN after the end, or one whose number is not that
// of the connection's own; its answer, if the SYN was not seen; or, if neither was, a message at a place that the connection cannot have
// reached. begins reports whether a payload begins like a message.
func (a Arrival) Place(nanos int64, begins func([]byte) bool) Place {
	if !a.p.HasTCP || a.r.Flags == [2]uint8{} {
		return Within
	}
	another := false
	switch a.p.TCPFlags & (decap.SYN | decap.ACK | decap.RST) {
	case decap.SYN:
		another = a.anotherSYN() && (!a.active(nanos) || !a.r.BothSides())
	case decap.SYN | decap.ACK:
		another = a.anotherSYNACK(nanos)
	case decap.ACK:
		if a.p.Seq == a.r.next[a.s] || !a.r.seqKnown(a.s) || !a.anotherPlace(nanos) {
			return Within
		}
		if another = a.p.PayloadLen > 0 && begins(a.p.Payload); !another {
			return Astray
		}
	}
	if another {
		return Another
	}
	return Within
}

// quiet reports whether a connection is quiet at a time.
func (a Arrival) quiet(nanos int64) bool {
	idle := nanos - a.r.End
	return idle >= quiet || idle >= quietAfterReset && a.r.TCPState == event.TCPClosed
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
	return !a.r.beganWith(1-a.s, a.p.Ack) && (a.quiet(nanos) || a.nearFar(1-a.s, a.p.Ack))
}

// anotherPlace reports whether a segment lies where the connection cannot have come. Behind the FINs of both sides nothing follows. A reset
// may not have been taken, so a connection that has one is quiet first.
func (a Arrival) anotherPlace(nanos int64) bool {
	if a.r.finished(0) && a.r.finished(1) {
		return a.r.ahead(a.s, a.p.Seq) > 0 || a.foreign(a.s, a.p.Seq)
	}
	return a.quiet(nanos) && a.foreign(a.s, a.p.Seq) && a.foreign(1-a.s, a.p.Ack)
}

// foreign reports whether a sequence number is none of a side: beyond any window, or from before its first byte.
func (a Arrival) foreign(s Side, seq uint32) bool {
	if !a.r.seqKnown(s) {
		return false
	}
	ahead, limit := a.r.ahead(s, seq), a.limit(s)
	return ahead > limit || -ahead > limit && !a.r.beganWith(s, seq) || a.r.Flags[s]&decap.SYN != 0 && a.before(s, seq)
}
