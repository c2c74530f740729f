package flow

import (
	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/event"
)

// The two directions of a connection may be mirrored by different ways: a load balancer's nodes, several queues. Each keeps its order,
// but one may be ahead of the other. An acknowledgment shows that: its sender had received what it acknowledges.

// Overtakes reports whether a segment of a side has overtaken segments of the other side: it acknowledges bytes that did not come yet. Before
// the first packet of the other side every acknowledgment does, until WaitNoMore.
func (r *Record) Overtakes(s Side, p *decap.Packet) bool {
	if p.TCPFlags&decap.ACK == 0 {
		return false
	}
	if !r.seqKnown(1 - s) {
		return r.marks&markAlone == 0
	}
	ahead := p.Ack - r.next[1-s]
	return ahead-1 < MaxAck && !r.finished(1-s)
}

// WaitNoMore makes Overtakes return false as long as one side is not seen: the session mirrors one direction, or the connection was picked up
// in the middle.
func (r *Record) WaitNoMore() { r.marks |= markAlone }

// Beyond reports whether a segment without payload closes its direction behind bytes of it that did not come yet: a FIN that has overtaken
// data.
func (r *Record) Beyond(s Side, p *decap.Packet) bool {
	return p.TCPFlags&(decap.FIN|decap.RST|decap.SYN) == decap.FIN && p.PayloadLen == 0 && r.seqKnown(s) && p.Seq-r.next[s]-1 < maxJump
}

// finished reports whether what comes next from a side lies behind its FIN.
func (r *Record) finished(s Side) bool { return r.marks&(markFIN0<<s) != 0 }

// BeginsWith takes a side whose segment is the first one in the order of the connection for the client, if nothing better is known, and
// reports whether that turns the flow round.
func (r *Record) BeginsWith(s Side) (turned bool) {
	if r.Flags != [2]uint8{} || r.Initiator != event.ByFirstPacket || r.Client() == s {
		return false
	}
	r.bits ^= bitClientHi
	return true
}
