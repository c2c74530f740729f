package decap

import (
	"encoding/binary"
	"net/netip"
)

// VXLAN, RFC 7348 section 5:
//
//	|R R R R I R R R|           reserved            |
//	|                VNI            |   reserved    |
const (
	VXLANLen   = 8
	MaxVNI     = 1<<24 - 1 // the largest VXLAN network identifier
	vxlanFlagI = 0x08
)

// vxlanHasReserved reports whether a bit is set beside the I flag and the VNI.
func vxlanHasReserved(b []byte) bool {
	return binary.BigEndian.Uint32(b)&^(vxlanFlagI<<24)|uint32(b[7]) != 0
}

// GENEVELen is the length of a GENEVE header without options, RFC 8926 section 3.4. The options' length is in units of four bytes:
//
//	|Ver|  opt len  |O|C|  rsvd.    |       protocol type           |
//	|                VNI                            |   reserved    |
const GENEVELen = 8

// gatewayPort is the destination port of the VXLAN inside the GENEVE of a Gateway Load Balancer endpoint.
const gatewayPort = PortVXLAN

// vxlan decodes the mirror's VXLAN header and its contents. The outer source is known.
func (d decoder) vxlan(b []byte, missing int) Reason {
	if len(b) < VXLANLen {
		return ShortEnvelope
	}
	if b[0]&vxlanFlagI == 0 {
		return NoVNI
	}
	p := d.p
	p.Mirrored = true
	p.ReservedBits = vxlanHasReserved(b)
	p.VNI = binary.BigEndian.Uint32(b[4:]) >> 8
	if d.dec.Allow != nil {
		if r := d.dec.Allow.check(p.Outer.Addr(), p.VNI); r != OK {
			return r
		}
	}
	p.Frame = b[VXLANLen:]
	return d.ethernet(p.Frame, missing)
}

// geneve decodes a GENEVE header, which is either the mirror's envelope itself or was added by a Gateway Load Balancer endpoint. In the
// second case the source of the IP header inside is the mirrored interface, and the VNI of the VXLAN header is the session's.
func (d decoder) geneve(b []byte, missing int) Reason {
	protocol, vni, n, r := geneveHeader(b)
	if r != OK {
		return r
	}
	b = b[n:]
	if source, inner, ok := gatewayPacket(b); ok {
		return d.unwrap(source, inner, missing)
	}
	p := d.p
	p.Mirrored, p.VNI = true, vni
	if d.dec.Allow != nil {
		if r := d.dec.Allow.check(p.Outer.Addr(), vni); r != OK {
			return r
		}
	}
	p.Frame = b
	if protocol == EtherTEB {
		return d.ethernet(b, missing)
	}
	p.FrameIsIP = true
	return d.etherType(protocol, b, missing)
}

// geneveHeader returns the protocol (an EtherType), the VNI and the length of the header with its options.
func geneveHeader(b []byte) (protocol uint16, vni uint32, n int, r Reason) {
	if len(b) < GENEVELen {
		return 0, 0, 0, ShortEnvelope
	}
	protocol = binary.BigEndian.Uint16(b[2:])
	if b[0]>>6 != 0 || protocol != EtherIPv4 && protocol != EtherIPv6 && protocol != EtherTEB {
		return 0, 0, 0, BadEnvelope
	}
	n = GENEVELen + 4*int(b[0]&0x3f)
	if len(b) < n {
		return 0, 0, 0, ShortEnvelope
	}
	return protocol, binary.BigEndian.Uint32(b[4:]) >> 8, n, OK
}

// unwrap decodes the VXLAN header that the mirrored interface source sent. It discards what was decoded of the headers around it.
func (d decoder) unwrap(source netip.AddrPort, b []byte, missing int) Reason {
	*d.p = Packet{}
	d.p.Outer = source
	d.seeking = false
	return d.vxlan(b, missing)
}

// gatewayPacket looks for an unfragmented IP packet to UDP 4789 at b, and returns its source and its UDP payload.
func gatewayPacket(b []byte) (source netip.AddrPort, payload []byte, ok bool) {
	switch {
	case len(b) >= IPv4Len && b[0]>>4 == 4:
		n := int(b[0]&0x0f) * 4
		fragment := binary.BigEndian.Uint16(b[6:])&(fragMore|fragOffset) != 0
		if n < IPv4Len || n > len(b) || fragment {
			return source, nil, false
		}
		return gatewayUDP(netip.AddrFrom4([4]byte(b[12:16])), b[9], b[n:])
	case len(b) >= IPv6Len && b[0]>>4 == 6:
		return gatewayUDP(netip.AddrFrom16([16]byte(b[8:24])), b[6], b[IPv6Len:])
	default:
		return source, nil, false
	}
}

// gatewayUDP is gatewayPacket from the transport on.
func gatewayUDP(addr netip.Addr, proto uint8, b []byte) (source netip.AddrPort, payload []byte, ok bool) {
	if proto != UDP || len(b) < UDPLen || binary.BigEndian.Uint16(b[2:]) != gatewayPort {
		return source, nil, false
	}
	return netip.AddrPortFrom(addr, binary.BigEndian.Uint16(b)), b[UDPLen:], true
}

// envelope tries to decode the payload of a capture's outermost UDP packet as the mirror's envelope. It reports false, and leaves p
// unchanged, if the payload is something else.
func (d decoder) envelope(b []byte, missing int) (Reason, bool) {
	p := d.p
	port := p.DstPort
	if port != PortVXLAN && port != PortGENEVE {
		return OK, false
	}
	outer := netip.AddrPortFrom(p.Src.Netip(), p.SrcPort)
	strong, valid := envelopeHeader(port, b)
	if strong || d.dec.Encapsulation == Always {
		return d.open(outer, port, b, missing), true
	}
	if !valid {
		return OK, false
	}
	saved := *p
	if r := d.open(outer, port, b, missing); holds(r) {
		return r, true
	}
	*p = saved
	return OK, false
}

// open decodes the envelope that outer sent to a port.
func (d decoder) open(outer netip.AddrPort, port uint16, b []byte, missing int) Reason {
	if port == PortVXLAN {
		return d.unwrap(outer, b, missing)
	}
	*d.p = Packet{}
	d.p.Outer = outer
	d.seeking = false
	return d.geneve(b, missing)
}

// envelopeHeader reports whether b starts with a valid envelope, and whether that is strong evidence by itself. The payload of another
// protocol that a client happens to receive on port 4789 has the I flag set half of the time, but hardly ever all 39 reserved bits
// clear. With one of these set, a valid packet must follow.
func envelopeHeader(port uint16, b []byte) (strong, valid bool) {
	if port == PortGENEVE {
		_, _, _, r := geneveHeader(b)
		return r == OK, r == OK
	}
	if len(b) < VXLANLen || b[0]&vxlanFlagI == 0 {
		return false, false
	}
	return !vxlanHasReserved(b), true
}

// holds reports whether a reason confirms the headers before it: a valid packet follows them, or the operator's lists refused it.
func holds(r Reason) bool {
	return r == OK || r == Fragment || r == TooDeep || r == SourceRefused || r == VNIRefused
}
