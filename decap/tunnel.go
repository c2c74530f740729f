package decap

import "encoding/binary"

// UDP ports of tunnels other than the mirror's.
const (
	portL2TP       = 1701
	portGTPU       = 2152
	portTeredo     = 3544
	portGRE        = 4754 // GRE in UDP, RFC 8086
	portVXLANGPE   = 4790
	portCAPWAP     = 5247 // its data; control is 5246
	portFOU        = 5555
	portGUE        = 6080
	portMPLS       = 6635 // RFC 7510
	portFOU2       = 7777
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
	r := d.inside(kind, b, missing)
	if r == OK || r == Fragment || r == TooDeep {
		return r
	}
	why := p.TunnelSkip // of the headers inside
	if why == TunnelEntered {
		why = skipOf(r, missing)
	}
	*p = saved
	return d.skip(why)
}

// A tunnelDecoder decodes the headers of tunnels in IP and UDP. The decoder asks it for their protocols and ports, and it asks the decoder for
// the packet inside.
type tunnelDecoder struct{ decoder }

// ipTunnel decodes a tunnel that is an IP protocol of its own.
func (d tunnelDecoder) ipTunnel(proto uint8, b []byte, missing int) Reason {
	switch proto {
	case protoGRE:
		return d.gre(b, missing)
	case protoIPv4:
		return d.tunnel(EtherIPv4, 0, b, missing)
	case protoIPv6:
		return d.tunnel(EtherIPv6, 0, b, missing)
	case protoEthernet:
		return d.tunnel(EtherTEB, 0, b, missing)
	case protoEtherIP:
		return d.etherIP(b, missing)
	case protoL2TP:
		return d.l2tp3(b, missing)
	case protoMPLS:
		return d.mplsInUDP(b, missing)
	case protoESP:
		return d.skip(TunnelEncrypted)
	default:
		return OK
	}
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
	networkPBB    = 5 << 24
)

// udpTunnel decodes a tunnel over UDP if a port and the payload indicate one. Answers may come from the tunnel's port.
func (d tunnelDecoder) udpTunnel(b []byte, missing int) Reason {
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
	case portL2TP:
		return d.l2tp(b, missing)
	case portMPLS:
		return d.mplsInUDP(b, missing)
	case portGUE:
		return d.gue(b, missing)
	case portFOU, portFOU2:
		return d.fou(b, missing)
	case portCAPWAP:
		return d.capwap(b, missing)
	default:
		return OK
	}
}

// isTunnelPort is called for both ports of every UDP packet. Nearly all ports are outside the range, and cost one comparison.
func isTunnelPort(port uint16) bool {
	return port-portL2TP <= portVXLANLinux-portL2TP && isOneOfTunnelPorts(port)
}

func isOneOfTunnelPorts(port uint16) bool {
	switch port {
	case PortVXLAN, portVXLANLinux, portVXLANGPE, PortGENEVE, portGTPU, portTeredo, portGRE,
		portL2TP, portMPLS, portGUE, portFOU, portFOU2, portCAPWAP:
		return true
	default:
		return false
	}
}

func (d tunnelDecoder) vxlanTunnel(b []byte, missing int) Reason {
	if len(b) < VXLANLen {
		return d.skipShort(missing)
	}
	if b[0]&vxlanFlagI == 0 {
		return d.skip(TunnelMalformed)
	}
	vni := binary.BigEndian.Uint32(b[4:]) >> 8
	return d.tunnel(EtherTEB, networkVXLAN|vni, b[VXLANLen:], missing)
}

// vxlanGPE decodes the generic protocol extension (draft-ietf-nvo3-vxlan-gpe): with flag P, byte 3 is the
// protocol inside; without it, that is Ethernet.
func (d tunnelDecoder) vxlanGPE(b []byte, missing int) Reason {
	const flagP, version = 0x04, 0x30
	kinds := [...]uint16{1: EtherIPv4, 2: EtherIPv6, 3: EtherTEB, 4: etherNSH, 5: etherMPLS}
	kind := uint16(EtherTEB)
	switch {
	case len(b) < VXLANLen:
		return d.skipShort(missing)
	case b[0]&version != 0:
		return d.skip(TunnelVersion)
	case b[0]&vxlanFlagI == 0:
		return d.skip(TunnelMalformed)
	case b[0]&flagP != 0:
		if int(b[3]) >= len(kinds) || b[3] == 0 {
			return d.skip(TunnelNotIP)
		}
		kind = kinds[b[3]]
	}
	vni := binary.BigEndian.Uint32(b[4:]) >> 8
	return d.tunnel(kind, networkVXLAN|vni, b[VXLANLen:], missing)
}

func (d tunnelDecoder) geneveTunnel(b []byte, missing int) Reason {
	protocol, vni, n, r := geneveHeader(b)
	switch {
	case r == OK:
	case r == ShortEnvelope:
		return d.skipShort(missing)
	case b[0]>>6 != 0:
		return d.skip(TunnelVersion)
	default:
		return d.skip(TunnelNotIP)
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
func (d tunnelDecoder) gtpu(b []byte, missing int) Reason {
	const gpdu = 255
	switch {
	case len(b) < gtpLen:
		return d.skipShort(missing)
	case b[0]&0xf0 != 0x30:
		return d.skip(TunnelVersion)
	case b[1] != gpdu:
		return OK
	case len(b) < gtpLen+gtpOptionalLen:
		return d.skipShort(missing)
	case gtpLen+int(binary.BigEndian.Uint16(b[2:])) > len(b)+missing:
		return d.skip(TunnelMalformed)
	}
	n := gtpHeaderLen(b)
	if n == 0 {
		return d.skipShort(missing)
	}
	if t := ipType(b[n:]); t != 0 {
		return d.tunnel(t, 0, b[n:], missing)
	}
	return d.skip(TunnelNotIP)
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
func (d tunnelDecoder) teredo(b []byte, missing int) Reason {
	const originLen, authLen = 8, 13
	if len(b) >= authLen && b[0] == 0 && b[1] == 1 {
		n := authLen + int(b[2]) + int(b[3])
		if n > len(b) {
			return d.skipShort(missing)
		}
		b = b[n:]
	}
	if len(b) >= originLen && b[0] == 0 && b[1] == 0 {
		b = b[originLen:]
	}
	if len(b) < IPv6Len || b[0]>>4 != 6 || IPv6Len+int(binary.BigEndian.Uint16(b[4:])) != len(b)+missing {
		return d.skipShort(missing)
	}
	return d.tunnel(EtherIPv6, 0, b, missing)
}
