package decap

import (
	"encoding/binary"
	"net/netip"
)

// A Decoder finds the inner packet of a datagram. The zero Decoder is ready for use: it detects which frames are mirrored, and accepts
// every source and every VNI. Its methods do not change it, so it may be used concurrently as long as its fields are not written.
type Decoder struct {
	// Encapsulation matters for frames of a capture only.
	Encapsulation Encapsulation
	// Allow lists the mirror sessions to accept; nil accepts all. It is checked before anything inside the envelope is decoded, except
	// for the IP header with the mirrored interface's address behind a Gateway Load Balancer.
	Allow *Allow
}

// Parse decodes one datagram into p and overwrites all of p. The slices of p alias d.Data. Parse does not allocate and does not fail:
// the Reason is why a datagram could not be decoded.
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

// unmapPort returns the same address for an IPv4 source whether an IPv4 or an IPv6 socket received it.
func unmapPort(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}

// ParseReassembled decodes the rest of a packet that was reassembled from fragments. p is the Packet of its first fragment, and payload
// its complete IP payload, which the slices of p alias afterwards. The result is Fragment again if a tunnel that was fragmented carries
// fragments. IPLen does not change unless a tunnel is found.
func (dec *Decoder) ParseReassembled(p *Packet, payload []byte) Reason {
	p.Truncated = false
	return dec.parseFragments(p, payload, 0)
}

// ParseBeginning is ParseReassembled for the beginning of a packet of which fragments are missing. missing is how many bytes are known to
// follow. The packet counts as truncated, and UDP's header shows its length.
func (dec *Decoder) ParseBeginning(p *Packet, payload []byte, missing int) Reason {
	if p.Proto == UDP && len(payload) >= UDPLen {
		missing = max(missing, int(binary.BigEndian.Uint16(payload[4:]))-len(payload))
	}
	p.Truncated = true
	return dec.parseFragments(p, payload, missing)
}

func (dec *Decoder) parseFragments(p *Packet, payload []byte, missing int) Reason {
	run := decoder{dec: dec, p: p, seeking: !p.Mirrored && p.Depth == 0 && dec.Encapsulation != Never}
	payload = payload[:len(payload):len(payload)]
	depth := p.Depth
	p.clearTransport()
	p.packet, p.header, p.transport = payload, 0, 0
	p.FragID, p.FragOff, p.MoreFrags = 0, 0, false
	if p.Mirrored && p.FrameIsIP && p.Depth == 0 {
		if source, inner, ok := gatewayUDP(p.Src.Netip(), p.Proto, payload); ok {
			return run.unwrap(source, inner, missing)
		}
	}
	r := run.transport(p.Proto, payload, missing)
	if p.routed && p.Depth == depth {
		p.packet = nil // as in extensions
	}
	return run.verdict(r)
}

// ReassembledOK checks the transport's checksum of a packet that was reassembled from fragments, if it has one. p and payload are those of
// ParseReassembled, before its call.
func (p *Packet) ReassembledOK(payload []byte) bool {
	whole := Packet{Version: p.Version, Proto: p.Proto, Src: p.Src, Dst: p.Dst, packet: payload}
	return p.routed || whole.segmentOK()
}

// A decoder is one call of Parse. Its methods take the captured bytes that are left, with the capacity capped, and the number of bytes
// that followed those on the wire and are missing from the copy.
type decoder struct {
	dec     *Decoder
	p       *Packet
	seeking bool // only outer headers of a capture were decoded so far, and the mirror's envelope may follow
}

// captured decodes a frame of a capture that is not Ethernet.
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
	case LinkPPP, LinkPPPDirection:
		return d.framedPPP(link, b, missing)
	case LinkPPPoE:
		return d.pppoe(b, missing)
	case LinkCHDLC, LinkCHDLCDirection:
		return d.chdlc(link, b, missing)
	case LinkNFLOG:
		return d.nflog(b, missing)
	default:
		return LinkUnknown
	}
}

// verdict returns the reason of a capture's frame: where only mirrored frames are accepted, plain ones have another.
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
