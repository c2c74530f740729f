package inspect

import (
	"slices"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/flow"
	"github.com/mirrorsink/mirrorsink/inspect/pair"
)

// attribute counts what the inventory does not know, and finds out which side of its flow is the mirrored interface's own,
// unless an earlier packet told.
func (w *Worker) attribute(r *flow.Record, s flow.Side, p *decap.Packet, v volume) {
	if w.taps.owner[r.Key.Tap] == nil && w.cfg.Owners != nil {
		w.stats.Unattributed += uint64(v.packets)
	}
	if _, known := r.Own(); known {
		return
	}
	switch w.taps.wayAt(r.Key.Tap, p) {
	case pair.Egress:
		r.OwnedBy(s)
	case pair.Ingress:
		r.OwnedBy(1 - s)
	case pair.Transit:
	}
}

// way returns a packet's way at the interface that mirrored it. Its frame tells better than its flow, whose packets a router
// both receives and sends.
func (w *Worker) way(r *flow.Record, s flow.Side, p *decap.Packet) pair.Way {
	if way := w.taps.byMAC(r.Key.Tap, p); way != pair.Transit {
		return way
	}
	switch own, known := r.Own(); {
	case !known:
		return pair.Transit
	case own == s:
		return pair.Egress
	default:
		return pair.Ingress
	}
}

// direction is the way of what a flow's client sends.
func direction(r *flow.Record) event.Direction {
	switch own, known := r.Own(); {
	case !known:
		return event.NoDirection
	case own == r.Client():
		return event.Egress
	default:
		return event.Ingress
	}
}

// wayAt returns a packet's way at the session's interface as it tells by itself.
func (t *taps) wayAt(n uint16, p *decap.Packet) pair.Way {
	if way := t.byMAC(n, p); way != pair.Transit {
		return way
	}
	return t.byAddress(n, p.Src, p.Dst)
}

// byMAC returns a packet's way by the Ethernet header of the mirrored frame, if it has one: the interface sends frames from its
// MAC address and receives those to it, whatever tunnels are in them.
func (t *taps) byMAC(n uint16, p *decap.Packet) pair.Way {
	o := t.owner[n]
	if o == nil || !o.HasMAC || p.FrameIsIP || len(p.Frame) < 12 {
		return pair.Transit
	}
	return wayOf([6]byte(p.Frame[6:12]) == o.MAC, [6]byte(p.Frame[:6]) == o.MAC)
}

// byAddress returns the way of what one address sends another, by the addresses of the session's interface.
func (t *taps) byAddress(n uint16, src, dst decap.Addr) pair.Way {
	if n == 0 {
		return pair.Transit
	}
	return wayOf(t.isOwn(n, src), t.isOwn(n, dst))
}

// isOwn reports whether an address is one of the session's interface.
func (t *taps) isOwn(n uint16, a decap.Addr) bool {
	o := t.owner[n]
	return t.list[n].source == a || o != nil && slices.Contains(o.Addrs, a.Netip())
}

// wayOf says which way a packet goes if it is the interface's own by its source and by its destination.
func wayOf(from, to bool) pair.Way {
	switch {
	case from == to:
		return pair.Transit
	case from:
		return pair.Egress
	default:
		return pair.Ingress
	}
}
