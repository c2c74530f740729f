package decap

import "net/netip"

// A Decoder finds the inner packet of a datagram. The zero Decoder is ready: it tells mirrored frames from plain ones by
// itself and accepts every source and every VNI. Its methods do not change it, so one Decoder may serve any number of
// goroutines as long as nobody writes to its fields.
type Decoder struct {
	// Encapsulation matters for frames of a capture alone.
	Encapsulation Encapsulation
	// Allow says which mirror sessions to accept; nil accepts all. It is consulted before anything inside the envelope
	// is looked at, except for the one IP header that names the mirrored interface behind a Gateway Load Balancer.
	Allow *Allow
}

// Parse decodes one datagram into p and overwrites all of it. The slices of p alias d.Data. It never allocates, and
// never fails: what it could not decode is told by the Reason.
func (dec *Decoder) Parse(p *Packet, d *Datagram) Reason {
	*p = Packet{}
	w := walk{dec: dec, p: p}
	b := d.Data[:len(d.Data):len(d.Data)]
	cut := max(0, d.WireLen-len(b))
	switch d.Link {
	case LinkVXLAN:
		p.Outer = unmapPort(d.Outer)
		return w.vxlan(b, cut)
	case LinkGENEVE:
		p.Outer = unmapPort(d.Outer)
		return w.geneve(b, cut)
	case LinkEthernet:
		w.seeking = dec.Encapsulation != Never
		p.Frame = b
		return w.verdict(w.ethernet(b, cut))
	default:
		w.seeking = dec.Encapsulation != Never
		return w.verdict(w.captured(d.Link, b, cut))
	}
}

// unmapPort makes an IPv4 source look the same whether an IPv4 or an IPv6 socket received it.
func unmapPort(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}

// Resume goes on with a packet that Parse had called a Fragment, once it is whole: p is what Parse gave for its first
// fragment, payload its whole IP payload, which the slices of p alias from then on. The result may be a Fragment again,
// when fragments travel in a tunnel that was itself fragmented. IPLen stays as it is unless a tunnel is found.
func (dec *Decoder) Resume(p *Packet, payload []byte) Reason {
	w := walk{dec: dec, p: p, seeking: !p.Mirrored && p.Depth == 0 && dec.Encapsulation != Never}
	payload = payload[:len(payload):len(payload)]
	p.clearTransport()
	p.packet, p.header, p.transport = payload, 0, 0
	p.FragID, p.FragOff, p.MoreFrags, p.Truncated = 0, 0, false, false
	if p.Mirrored && p.FrameIsIP && p.Depth == 0 {
		if source, inner, ok := gatewayUDP(p.Src.Netip(), p.Proto, payload); ok {
			return w.enter(source, inner, 0)
		}
	}
	return w.verdict(w.transport(p.Proto, payload, 0))
}

// A walk is one Parse under way. Its methods take what is left of the captured bytes, with the capacity capped, and cut:
// how many bytes followed those on the wire and are missing from the copy.
type walk struct {
	dec     *Decoder
	p       *Packet
	seeking bool // only outer headers of a capture were met so far, and the mirror's envelope may still come
}

// captured starts the walk over a frame of a capture that is not Ethernet.
func (w walk) captured(link Link, b []byte, cut int) Reason {
	switch link {
	case LinkIP:
		return w.ip(b, cut)
	case LinkSLL:
		return w.sll(b, cut)
	case LinkSLL2:
		return w.sll2(b, cut)
	case LinkNull:
		return w.null(b, cut)
	default:
		return LinkUnknown
	}
}

// verdict turns what became of a frame of a capture into what it means where only mirrored frames are accepted.
func (w walk) verdict(r Reason) Reason {
	p := w.p
	if w.dec.Encapsulation != Always || p.Mirrored {
		return r
	}
	switch r {
	case ShortFrame:
		return ShortEnvelope
	case BadIP:
		return BadEnvelope
	case Fragment:
		if p.Proto == UDP && p.Depth == 0 {
			return Fragment
		}
		return NotEncapsulated
	case OK, NotIP, TooDeep:
		return NotEncapsulated
	default:
		return r
	}
}
