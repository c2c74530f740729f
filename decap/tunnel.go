package decap

import "encoding/binary"

// UDP ports of tunnels other than the mirror's.
const (
	portGTPU       = 2152
	portTeredo     = 3544
	portGRE        = 4754 // GRE in UDP, RFC 8086
	portVXLANGPE   = 4790
	portVXLANLinux = 8472 // Linux's VXLAN port from before the IANA's, still the default of flannel and Cilium
)

// tunnel decodes a packet inside a packet. kind is the EtherType of the inner packet, or GRE's number for PPP. network is a number that
// becomes part of the flow's identity, or 0. If the inner packet is invalid, p stays the packet of the tunnel itself.
func (d decoder) tunnel(kind uint16, network uint32, b []byte, missing int) Reason {
	p := d.p
	if p.Depth == MaxDepth {
		return TooDeep
	}
	saved := *p
	p.Depth++
	p.outerTruncated = p.outerTruncated || p.Truncated
	p.covered = p.covered || p.coversContent()
	d.seeking = false // the mirror's envelope is not in a tunnel
	p.clearTransport()
	if network != 0 {
		p.fold(network)
	}
	if r := d.inside(kind, b, missing); r == OK || r == Fragment || r == TooDeep {
		return r
	}
	*p = saved
	return OK
}

// coversContent reports whether the transport has a checksum over the packet that it carries.
func (p *Packet) coversContent() bool {
	s := p.packet[p.transport:]
	switch p.Proto {
	case UDP:
		return s[6]|s[7] != 0
	case protoGRE:
		return binary.BigEndian.Uint16(s)&greChecksum != 0
	default:
		return false
	}
}

func (d decoder) inside(kind uint16, b []byte, missing int) Reason {
	switch kind {
	case EtherTEB:
		return d.ethernet(b, missing)
	case greProtoPPP:
		return d.ppp(b, missing)
	default:
		return d.etherType(kind, b, missing)
	}
}

// Numbers of inner networks, which differ by the protocol that they belong to.
const (
	networkVXLAN  = 1 << 24
	networkGENEVE = 2 << 24
	networkNVGRE  = 3 << 24
	networkKey    = 4 << 24 // of GRE with Ethernet inside, less than NVGRE's
)

// udpTunnel decodes a tunnel over UDP if a port and the payload indicate one. Answers may come from the tunnel's port.
func (d decoder) udpTunnel(b []byte, missing int) Reason {
	port := d.p.DstPort
	if !isTunnelPort(port) {
		port = d.p.SrcPort
	}
	switch port {
	case PortVXLAN, portVXLANLinux:
		return d.vxlanTunnel(b, missing)
	case portVXLANGPE:
		return d.vxlanGPE(b, missing)
	case PortGENEVE:
		return d.geneveTunnel(b, missing)
	case portGTPU:
		return d.gtpu(b, missing)
	case portTeredo:
		return d.teredo(b, missing)
	case portGRE:
		return d.gre(b, missing)
	default:
		return OK
	}
}

// isTunnelPort is called for both ports of every UDP packet. Nearly all ports are outside the range, and cost one comparison.
func isTunnelPort(port uint16) bool {
	return port-portGTPU <= portVXLANLinux-portGTPU && isOneOfTunnelPorts(port)
}

func isOneOfTunnelPorts(port uint16) bool {
	switch port {
	case PortVXLAN, portVXLANLinux, portVXLANGPE, PortGENEVE, portGTPU, portTeredo, portGRE:
		return true
	default:
		return false
	}
}

func (d decoder) vxlanTunnel(b []byte, missing int) Reason {
	if len(b) < VXLANLen || b[0]&vxlanFlagI == 0 {
		return OK
	}
	vni := binary.BigEndian.Uint32(b[4:]) >> 8
	return d.tunnel(EtherTEB, networkVXLAN|vni, b[VXLANLen:], missing)
}

// vxlanGPE decodes the generic protocol extension (draft-ietf-nvo3-vxlan-gpe): with flag P, byte 3 is the
// protocol inside; without it, that is Ethernet.
func (d decoder) vxlanGPE(b []byte, missing int) Reason {
	const flagP = 0x04
	if len(b) < VXLANLen || b[0]&vxlanFlagI == 0 {
		return OK
	}
	kinds := [...]uint16{1: EtherIPv4, 2: EtherIPv6, 3: EtherTEB}
	kind := uint16(EtherTEB)
	if b[0]&flagP != 0 {
		if int(b[3]) >= len(kinds) || b[3] == 0 {
			return OK
		}
		kind = kinds[b[3]]
	}
	vni := binary.BigEndian.Uint32(b[4:]) >> 8
	return d.tunnel(kind, networkVXLAN|vni, b[VXLANLen:], missing)
}

func (d decoder) geneveTunnel(b []byte, missing int) Reason {
	protocol, vni, n, r := geneveHeader(b)
	if r != OK {
		return OK
	}
	return d.tunnel(protocol, networkGENEVE|vni, b[n:], missing)
}

// Lengths of GTP-U's fixed header and of its optional fields in bytes.
const (
	gtpLen         = 8
	gtpOptionalLen = 4
)

// gtpu decodes a G-PDU of GTP-U (3GPP TS 29.281 section 5.1), which carries a subscriber's IP packet. The tunnel
// endpoints differ between the directions, and are no part of the flow's identity.
//
//	|Ver|T|*|E|S|N|     type      |            length             |
//	|                tunnel endpoint identifier                   |
//	|      sequence (E, S or N)     |  N-PDU (...)  |next ext. (...)|
func (d decoder) gtpu(b []byte, missing int) Reason {
	const gpdu = 255
	if len(b) < gtpLen+gtpOptionalLen || b[0]&0xf0 != 0x30 || b[1] != gpdu ||
		gtpLen+int(binary.BigEndian.Uint16(b[2:])) > len(b)+missing {
		return OK
	}
	n := gtpHeaderLen(b)
	if n == 0 {
		return OK
	}
	if t := ipType(b[n:]); t != 0 {
		return d.tunnel(t, 0, b[n:], missing)
	}
	return OK
}

// gtpHeaderLen returns the length of a GTP-U header with its optional fields and extension headers, 0 if they are
// incomplete. An extension header starts with its length in units of four bytes and ends with the next one's type.
func gtpHeaderLen(b []byte) int {
	const flagE = 4
	flags := b[0] & 7
	if flags == 0 {
		return gtpLen
	}
	n := gtpLen + gtpOptionalLen
	for next := b[n-1]; flags&flagE != 0 && next != 0; next = b[n-1] {
		if n >= len(b) || b[n] == 0 {
			return 0
		}
		n += 4 * int(b[n])
		if n > len(b) {
			return 0
		}
	}
	return n
}

// teredo decodes IPv6 in UDP (RFC 4380 section 5.1.1), behind an optional authentication and an optional
// origin indication. Payloads of many protocols may start with a 6, so the IPv6 packet must fill the datagram exactly.
func (d decoder) teredo(b []byte, missing int) Reason {
	const originLen, authLen = 8, 13
	if len(b) >= authLen && b[0] == 0 && b[1] == 1 {
		n := authLen + int(b[2]) + int(b[3])
		if n > len(b) {
			return OK
		}
		b = b[n:]
	}
	if len(b) >= originLen && b[0] == 0 && b[1] == 0 {
		b = b[originLen:]
	}
	if len(b) < IPv6Len || b[0]>>4 != 6 || IPv6Len+int(binary.BigEndian.Uint16(b[4:])) != len(b)+missing {
		return OK
	}
	return d.tunnel(EtherIPv6, 0, b, missing)
}
