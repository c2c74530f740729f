package mirror

import (
	"slices"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/event"
)

// Direction returns the direction of a packet at a session's interface, as far as the packet alone shows it.
func (t *Table) Direction(n uint16, p *decap.Packet) event.Direction {
	if d := t.DirectionByMAC(n, p); d != event.NoDirection {
		return d
	}
	return t.DirectionByAddress(n, p.Src, p.Dst)
}

// DirectionByMAC returns the direction of a packet by the Ethernet header of the mirrored frame, if it has one: the interface
// sends frames from its MAC address and receives frames to it, whatever tunnels are in them.
func (t *Table) DirectionByMAC(n uint16, p *decap.Packet) event.Direction {
	o := t.sessions[n].owner
	if o == nil || !o.HasMAC || p.FrameIsIP || len(p.Frame) < 12 {
		return event.NoDirection
	}
	return directionOf([6]byte(p.Frame[6:12]) == o.MAC, [6]byte(p.Frame[:6]) == o.MAC)
}

// DirectionByAddress returns the direction of what one address sends to another, by the addresses of the session's interface.
func (t *Table) DirectionByAddress(n uint16, src, dst decap.Addr) event.Direction {
	if n == 0 {
		return event.NoDirection
	}
	return directionOf(t.isOwn(n, src), t.isOwn(n, dst))
}

// isOwn reports whether an address is one of the session's interface.
func (t *Table) isOwn(n uint16, a decap.Addr) bool {
	e := &t.sessions[n]
	return e.Outer == a || e.owner != nil && slices.Contains(e.owner.Addrs, a.Netip())
}

// directionOf returns the direction of a packet whose source, or destination, is the interface's own.
func directionOf(from, to bool) event.Direction {
	switch {
	case from == to:
		return event.NoDirection
	case from:
		return event.Egress
	default:
		return event.Ingress
	}
}
