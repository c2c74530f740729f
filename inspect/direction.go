package inspect

import (
	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/flow"
)

// attribute counts what the inventory does not know, and finds out which side of its flow is the mirrored interface's own,
// unless an earlier packet told.
func (w *Worker) attribute(r *flow.Record, s flow.Side, p *decap.Packet, v volume) {
	if w.sessions.Owner(r.Key.Tap) == nil && w.sessions.HasInventory() {
		w.stats.Unattributed += uint64(v.packets)
	}
	if _, known := r.Own(); known {
		return
	}
	switch w.sessions.Direction(r.Key.Tap, p) {
	case event.Egress:
		r.OwnedBy(s)
	case event.Ingress:
		r.OwnedBy(1 - s)
	case event.NoDirection:
	}
}

// way returns a packet's way at the interface that mirrored it. Its frame tells better than its flow, whose packets a router
// both receives and sends.
func (w *Worker) way(r *flow.Record, s flow.Side, p *decap.Packet) event.Direction {
	if way := w.sessions.DirectionByMAC(r.Key.Tap, p); way != event.NoDirection {
		return way
	}
	switch own, known := r.Own(); {
	case !known:
		return event.NoDirection
	case own == s:
		return event.Egress
	default:
		return event.Ingress
	}
}
