package decap

import "encoding/binary"

// GRE, RFC 2784 and RFC 2890, and with version 1 PPTP's (RFC 2637 section 4.1):
//
//	|C|R|K|S|          |A|     |Ver|         protocol type         |
//
// then, each as its flag says: checksum and reserved (C), key or PPTP's length and call (K), sequence number (S),
// acknowledgment number (A, version 1 alone).
const (
	greLen        = 4
	greFieldLen   = 4
	greChecksum   = 0x8000
	greRouting    = 0x4000
	greKey        = 0x2000
	greSequence   = 0x1000
	greAck        = 0x0080
	greVersion    = 0x0007
	greKeepalive  = 0
	greProtoEoIP  = 0x6400 // MikroTik's Ethernet in version 1: the key has length and tunnel
	greProtoPPP   = 0x880b
	greProtoWCCP  = 0x883e
	greProtoSpan2 = 0x88be // ERSPAN types I and II
	greProtoSpan3 = 0x22eb // ERSPAN type III
)

// gre decodes a GRE tunnel. A packet that it does not understand stays a GRE packet. Keys and calls may differ between the directions,
// and are no part of the flow's identity. The exceptions are the networks of Ethernet frames: see greNetwork.
func (d tunnelDecoder) gre(b []byte, missing int) Reason {
	if len(b) < greLen {
		return d.skipShort(missing)
	}
	flags, protocol := binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])
	n := greHeaderLen(flags)
	if flags&greRouting != 0 || flags&greVersion > 1 {
		return d.skip(TunnelVersion)
	}
	if len(b) < n {
		return d.skipShort(missing)
	}
	network := greNetwork(flags, b[:n])
	b = b[n:]
	if flags&greVersion == 0 {
		return d.greContent(protocol, flags&greSequence != 0, network, b, missing)
	}
	switch {
	case protocol == greProtoEoIP && flags&greKey != 0:
		return d.plainEthernet(b, missing)
	case protocol != greProtoPPP:
		return d.skip(TunnelNotIP)
	case len(b)+missing == 0: // an acknowledgment alone
		return OK
	}
	return d.tunnel(greProtoPPP, 0, b, missing)
}

func greHeaderLen(flags uint16) int {
	n := greLen
	for _, flag := range [...]uint16{greChecksum, greKey, greSequence} {
		if flags&flag != 0 {
			n += greFieldLen
		}
	}
	if flags&greVersion == 1 && flags&greAck != 0 {
		n += greFieldLen
	}
	return n
}

// greNetwork returns the number of the network that a keyed tunnel of Ethernet frames belongs to. NVGRE (RFC 7637 section 3.2) has it in
// the upper 24 bits of the key. The lower 8 are a flow number, which may differ between the directions. A key below 256 is no NVGRE, since
// its low networks are reserved, and is a number by itself.
func greNetwork(flags uint16, header []byte) uint32 {
	if flags&greKey == 0 {
		return 0
	}
	at := greLen
	if flags&greChecksum != 0 {
		at += greFieldLen
	}
	key := binary.BigEndian.Uint32(header[at:])
	if vsid := key >> 8; vsid != 0 {
		return networkNVGRE | vsid
	}
	return networkKey | key
}

// span decodes the frame behind an ERSPAN header, whose VLAN is a part of the flow's identity. If the frame has that tag itself it counts
// once: some switches strip it in one direction only. Session numbers are no part of it, since a switch may have one for each direction.
func (d tunnelDecoder) span(kind uint16, header, frame []byte, missing int) Reason {
	p, depth := d.p, d.p.Depth
	vlan := uint16At(header, 0) & 0x0fff
	network := uint32(vlan)
	if kind == EtherTEB && isVLANTag(uint16At(frame, EthernetLen-2)) && uint16At(frame, EthernetLen)&0x0fff == vlan {
		network = 0
	}
	r := d.tunnel(kind, network, frame, missing)
	if p.Depth > depth {
		p.SpanVLAN = vlan
	}
	return r
}

// greContent decodes the payload of version 0. A protocol of 0 is a keepalive without content.
func (d tunnelDecoder) greContent(protocol uint16, sequence bool, network uint32, b []byte, missing int) Reason {
	switch protocol {
	case EtherTEB:
		return d.tunnel(protocol, network, b, missing)
	case EtherIPv4, EtherIPv6, etherMPLS, etherMPLSMany, EtherVLAN, EtherQinQ, EtherOldQinQ, etherNSH, greProtoPPP:
		return d.tunnel(protocol, 0, b, missing)
	case greProtoSpan2, greProtoSpan3:
		return d.greSpan(protocol, sequence, b, missing)
	case greProtoWCCP:
		return d.wccp(b, missing)
	case greKeepalive:
		return OK
	}
	if isAruba(protocol) {
		return d.dot11(b, missing)
	}
	return d.skip(TunnelNotIP)
}

// isAruba reports whether a protocol is one of those with which Aruba's access points send IEEE 802.11 frames to their controller.
func isAruba(protocol uint16) bool {
	const first, last, other = 0x8200, 0x83ff, 0x9000
	return protocol >= first && protocol <= last || protocol == other
}

// greSpan decodes ERSPAN. Type I has no sequence number and no header of its own. Type III says what it carries:
//
//	10 |P|frame type |  hardware   |D|Gra|O|
func (d tunnelDecoder) greSpan(protocol uint16, sequence bool, b []byte, missing int) Reason {
	const span2Len, span3Len, span3SubLen, typesAt, frameEthernet, frameIP = 8, 12, 8, 10, 0, 2
	n, frameType := 0, uint16(frameEthernet)
	switch {
	case protocol == greProtoSpan3:
		n = span3Len
		types := uint16At(b, typesAt)
		frameType = types >> 10 & 0x1f
		if types&1 != 0 { // flag O: a platform specific subheader follows
			n += span3SubLen
		}
	case sequence:
		n = span2Len
	}
	switch {
	case len(b) < n:
		return d.skipShort(missing)
	case frameType == frameEthernet:
		return d.span(EtherTEB, b[:n], b[n:], missing)
	case frameType == frameIP:
		return d.span(etherTypeOf(b[n:]), b[:n], b[n:], missing)
	default:
		return d.skip(TunnelNotIP)
	}
}

// wccp decodes a packet that a router redirects to a cache: an IPv4 packet, since version 2 behind four bytes.
func (d tunnelDecoder) wccp(b []byte, missing int) Reason {
	const redirectLen = 4
	if !plausibleOf(EtherIPv4, b, missing) {
		if len(b) < redirectLen {
			return d.skipShort(missing)
		}
		b = b[redirectLen:]
	}
	return d.plainIP(b, missing)
}
