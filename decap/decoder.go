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
	run := decoder{dec: dec, p: p}
	b := d.Data[:len(d.Data):len(d.Data)]
	missing := max(0, d.WireLen-len(b))
	switch d.Link {
	case LinkVXLAN:
		p.Outer = unmapPort(d.Outer)
		return run.vxlan(b, missing)
	case LinkGENEVE:
		p.Outer = unmapPort(d.Outer)
		return run.geneve(b, missing)
	case LinkEthernet:
		run.seeking = dec.Encapsulation != Never
		p.Frame = b
		return run.verdict(run.ethernet(b, missing))
	default:
		run.seeking = dec.Encapsulation != Never
		return run.verdict(run.captured(d.Link, b, missing))
	}
}

// unmapPort makes an IPv4 source look the same whether an IPv4 or an IPv6 socket received it.
func unmapPort(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}

// ParseReassembled goes on with a packet that Parse had called a Fragment, once it is whole: p is what Parse gave for its first
// fragment, payload its whole IP payload, which the slices of p alias from then on. The result may be a Fragment again,
// when fragments travel in a tunnel that was itself fragmented. IPLen stays as it is unless a tunnel is found.
func (dec *Decoder) ParseReassembled(p *Packet, payload []byte) Reason {
	run := decoder{dec: dec, p: p, seeking: !p.Mirrored && p.Depth == 0 && dec.Encapsulation != Never}
	payload = payload[:len(payload):len(payload)]
	p.clearTransport()
	p.packet, p.header, p.transport = payload, 0, 0
	p.FragID, p.FragOff, p.MoreFrags, p.Truncated = 0, 0, false, false
	if p.Mirrored && p.FrameIsIP && p.Depth == 0 {
		if source, inner, ok := gatewayUDP(p.Src.Netip(), p.Proto, payload); ok {
			return run.unwrap(source, inner, 0)
		}
	}
	return run.verdict(run.transport(p.Proto, payload, 0))
}

// A walk is one Parse under way. Its methods take what is left of the captured bytes, with the capacity capped, and cut:
// how many bytes followed those on the wire and are missing from the copy.
type decoder struct {
	dec     *Decoder
	p       *Packet
	seeking bool // only outer headers of a capture were met so far, and the mirror's envelope may still come
}

// captured starts the walk over a frame of a capture that is not Ethernet.
func (d decoder) captured(link Link, b []byte, missing int) Reason {
	switch link {
	case LinkIP:
		return d.ip(b, missing)
	case LinkSLL:
		return d.sll(b, missing)
	case LinkSLL2:
		return d.sll2(b, missing)
	case LinkNull:
		return d.null(b, missing)
	default:
		return LinkUnknown
	}
}

// verdict turns what became of a frame of a capture into what it means where only mirrored frames are accepted.
func (d decoder) verdict(r Reason) Reason {
	p := d.p
	if d.dec.Encapsulation != Always || p.Mirrored {
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
