package forward

import (
	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/dedup"
	"github.com/mirrorsink/mirrorsink/inspect/flow"
)

// Provisional reports whether a packet waits for its duplicate before it is known that there will be one. Otherwise the
// first packets of a connection would be forwarded twice.
func (s *Selector) Provisional(r *flow.Record, nanos int64) bool {
	return s != nil && (s.Sessions.Len() <= 2 || nanos-r.Start <= int64(dedup.Span))
}

// peerFlow returns the flow of the same connection as mirrored at its other end, nil if there is none. It finds the flow
// before any packet was seen at both ends: exactly one mirror session has the other end's address, and its flow has the
// opposite direction.
func (s *Selector) peerFlow(r *flow.Record, side flow.Side, p *decap.Packet) *flow.Record {
	own, known := r.Own()
	if r.Key.Session == 0 || !known {
		return nil
	}
	remote := r.Key.Lo
	if own == 0 {
		remote = r.Key.Hi
	}
	key := r.Key
	key.Session = s.Sessions.ByAddress(remote)
	if key.Session == 0 || key.Session == r.Key.Session {
		return nil
	}
	o := s.Flows.Find(&key, flow.Hash(&key), r.Start)
	if o == nil || !continues(o, side, p, r.Start) {
		return nil
	}
	if there, known := o.Own(); !known || there == own {
		return nil
	}
	return o
}

// maxSkew bounds the difference of a connection's sequence numbers at its two ends when the second end is seen first. Of
// two connections that share only addresses and ports one pair in two thousand is that close.
const maxSkew = 1 << 20

// continues reports whether a packet can belong to a flow by its sequence number or its acknowledgment. A SYN that comes
// after its answer has neither; then both must have come within the span of duplicates.
func continues(o *flow.Record, side flow.Side, p *decap.Packet, nanos int64) bool {
	if p.Proto != decap.TCP || !p.HasTCP {
		return p.Proto != decap.TCP
	}
	if next, known := o.Next(side); known {
		return next-p.Seq+maxSkew < 2*maxSkew
	}
	if next, known := o.Next(1 - side); known && p.TCPFlags&decap.ACK != 0 {
		return next-p.Ack+maxSkew < 2*maxSkew
	}
	return nanos-o.Start <= int64(dedup.Span)
}
