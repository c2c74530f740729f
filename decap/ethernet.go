package decap

import "encoding/binary"

// EtherTypes, from the IANA registry "IEEE 802 Numbers".
const (
	EtherIPv4     = 0x0800
	EtherTEB      = 0x6558 // transparent Ethernet bridging: a whole Ethernet frame
	EtherVLAN     = 0x8100 // 802.1Q
	EtherIPv6     = 0x86dd
	etherMPLS     = 0x8847
	etherMPLSMany = 0x8848 // multicast, or an upstream-assigned label
	etherPPPoE    = 0x8864 // session stage
	EtherQinQ     = 0x88a8 // 802.1ad
	EtherOldQinQ  = 0x9100 // before 802.1ad
	etherCMD      = 0x8909 // Cisco MetaData: a security group tag in front of the payload
	etherVNTag    = 0x8926 // Cisco's VN-Tag: a switch port in front of the payload
	etherETag     = 0x893f // IEEE 802.1BR: a port of a port extender
	etherPBB      = 0x88e7 // IEEE 802.1ah: a provider's backbone
	etherNSH      = 0x894f // Network Service Header
	etherMin      = 0x0600 // below is a length: 802.3 with LLC
)

// Lengths of link headers in bytes.
const (
	EthernetLen = 14 // destination, source, EtherType
	VLANLen     = 4  // priority and 12 bits of VLAN, EtherType
	llcLen      = 3  // DSAP, SSAP, control
	snapLen     = 5  // OUI, EtherType
	pppoeLen    = 6  // version and type, code, session, length
	sllLen      = 16 // packet type, ARPHRD, address length, address, EtherType
	sll2Len     = 20 // EtherType, reserved, interface, ARPHRD, packet type, address length, address
	nullLen     = 4  // address family
)

func (d decoder) ethernet(b []byte, missing int) Reason {
	if len(b) < EthernetLen {
		return ShortFrame
	}
	if r, ok := d.fastPath(b); ok {
		return r
	}
	return d.etherType(binary.BigEndian.Uint16(b[12:]), b[EthernetLen:], missing)
}

// etherType decodes the payload of an EtherType, behind any number of tags.
func (d decoder) etherType(t uint16, b []byte, missing int) Reason {
	t, b, ok := d.tags(t, b)
	switch {
	case !ok:
		return ShortFrame
	case t == EtherIPv4:
		return d.ipv4(b, missing)
	case t == EtherIPv6:
		return d.ipv6(b, missing)
	case t == etherMPLS || t == etherMPLSMany:
		return d.mpls(b, missing)
	case t == etherPPPoE:
		return d.pppoe(b, missing)
	case t == etherCMD:
		return d.metadata(b, missing)
	case t == etherPBB:
		return d.backbone(b, missing)
	case t == etherNSH:
		return d.serviceChain(b, missing)
	case t < etherMin:
		return d.llc(b, missing)
	default:
		return NotIP
	}
}

// metadata skips Cisco MetaData: version, length of the options in words, the options, and the EtherType of what follows.
// VLAN tags precede it.
func (d decoder) metadata(b []byte, missing int) Reason {
	const fixed, word = 2, 4
	if len(b) < fixed {
		return ShortFrame
	}
	n := fixed + word*int(b[1])
	if len(b) < n+2 {
		return ShortFrame
	}
	if t := binary.BigEndian.Uint16(b[n:]); t == EtherIPv4 || t == EtherIPv6 {
		return d.etherType(t, b[n+2:], missing)
	}
	return NotIP
}

// addVLAN records a tag of the frame, and makes every tag, also those in tunnels, part of the flow's identity. VLAN 0 is a priority
// without a network.
func (p *Packet) addVLAN(vlan uint16) {
	if p.Depth == 0 && p.NumVLANs < MaxVLANs {
		p.VLANs[p.NumVLANs] = vlan
		p.NumVLANs++
	}
	if vlan != 0 {
		p.fold(uint32(vlan))
	}
}

// fold adds a network number to Tunnel. Equal numbers in equal order give equal results, and never 0.
func (p *Packet) fold(network uint32) {
	h := (p.Tunnel ^ network) * 0x9e3779b1 // 2^32 divided by the golden ratio
	p.Tunnel = max(1, h^h>>15)
}

// llc decodes IEEE 802.2: SNAP (RFC 1042), or IP under its own service access point.
func (d decoder) llc(b []byte, missing int) Reason {
	switch {
	case len(b) < llcLen:
		return NotIP
	case b[0] == 0x06 && b[1] == 0x06 && b[2] == 0x03:
		return d.ipv4(b[llcLen:], missing)
	case b[0] != 0xaa || b[1] != 0xaa || b[2] != 0x03:
		return NotIP
	case len(b) < llcLen+snapLen:
		return ShortFrame
	}
	snap := b[llcLen:]
	t := binary.BigEndian.Uint16(snap[3:])
	if snap[0]|snap[1]|snap[2] != 0 || t < etherMin {
		return NotIP
	}
	return d.etherType(t, snap[snapLen:], missing)
}

// pppoe decodes a PPPoE session packet (RFC 2516 section 4).
func (d decoder) pppoe(b []byte, missing int) Reason {
	if len(b) < pppoeLen {
		return ShortFrame
	}
	if b[0] != 0x11 || b[1] != 0 { // version 1, type 1, code "session data"
		return NotIP
	}
	return d.ppp(b[pppoeLen:], missing)
}

// PPP's protocols (the IANA registry "PPP Numbers").
const (
	pppIPv4 = 0x0021
	pppIPv6 = 0x0057
	pppMPLS = 0x0281
)

// ppp decodes a PPP frame.
func (d decoder) ppp(b []byte, missing int) Reason {
	protocol, packet, ok := pppProtocol(b)
	if !ok {
		return ShortFrame
	}
	switch protocol {
	case pppIPv4:
		return d.ipv4(packet, missing)
	case pppIPv6:
		return d.ipv6(packet, missing)
	case pppMPLS:
		return d.mpls(packet, missing)
	default:
		d.p.TunnelSkip = pppSkip(protocol)
		return NotIP
	}
}

// pppProtocol returns the protocol of a PPP frame, with or without HDLC's address and control bytes (RFC 1662), and what follows it. The
// protocol has two bytes, or one odd byte if it is compressed.
func pppProtocol(b []byte) (protocol uint16, packet []byte, ok bool) {
	if len(b) >= 2 && b[0] == 0xff && b[1] == 0x03 {
		b = b[2:]
	}
	if len(b) < 2 {
		return 0, nil, false
	}
	if b[0]&1 != 0 {
		return uint16(b[0]), b[1:], true
	}
	return binary.BigEndian.Uint16(b), b[2:], true
}

func pppIsIP(protocol uint16) bool {
	return protocol == pppIPv4 || protocol == pppIPv6 || protocol == pppMPLS
}

// pppSkip returns why a PPP frame of another protocol is not entered.
func pppSkip(protocol uint16) TunnelSkip {
	switch protocol {
	case 0x002d, 0x002f, 0x0053, 0x0055, 0x00fb, 0x00fd: // compressed headers, encryption, compression
		return TunnelEncrypted
	case 0x003d: // multilink
		return TunnelFragmented
	default:
		return TunnelNotIP
	}
}

// sll decodes a Linux cooked header, LINKTYPE_LINUX_SLL.
func (d decoder) sll(b []byte, missing int) Reason {
	if len(b) < sllLen {
		return ShortFrame
	}
	return d.etherType(cookedType(b[14:]), b[sllLen:], missing)
}

// sll2 decodes LINKTYPE_LINUX_SLL2.
func (d decoder) sll2(b []byte, missing int) Reason {
	if len(b) < sll2Len {
		return ShortFrame
	}
	return d.etherType(cookedType(b), b[sll2Len:], missing)
}

// cookedType returns the protocol of a cooked header. Of the numbers below etherMin only 4 is one, for LLC.
func cookedType(b []byte) uint16 {
	t := binary.BigEndian.Uint16(b)
	if t < etherMin && t != 4 {
		return 0xffff
	}
	return t
}

// null decodes a BSD loopback header. The family is in the byte order of the capturing host, and AF_INET6 differs between systems. Some
// drivers put an EtherType into the second half instead.
func (d decoder) null(b []byte, missing int) Reason {
	if len(b) < nullLen {
		return ShortFrame
	}
	family := binary.LittleEndian.Uint32(b)
	if family > 0xffff {
		family = binary.BigEndian.Uint32(b)
	}
	switch family {
	case 2:
		return d.ipv4(b[nullLen:], missing)
	case 10, 24, 28, 30: // Linux, NetBSD and OpenBSD, FreeBSD, Darwin
		return d.ipv6(b[nullLen:], missing)
	}
	switch t := binary.BigEndian.Uint16(b[2:]); t {
	case EtherIPv4, EtherIPv6:
		return d.etherType(t, b[nullLen:], missing)
	default:
		return NotIP
	}
}

// isVLANTag reports whether an EtherType is that of a VLAN tag.
func isVLANTag(etherType uint16) bool {
	return etherType == EtherVLAN || etherType == EtherQinQ || etherType == EtherOldQinQ
}

// etherTypeOf returns the EtherType that an IP packet would have.
func etherTypeOf(ip []byte) uint16 {
	if len(ip) > 0 && ip[0]>>4 == 6 {
		return EtherIPv6
	}
	return EtherIPv4
}

// uint16At returns the big-endian number at b[i:], or 0, which is no EtherType, if b is too short.
func uint16At(b []byte, i int) uint16 {
	if i+2 > len(b) {
		return 0
	}
	return binary.BigEndian.Uint16(b[i:])
}
