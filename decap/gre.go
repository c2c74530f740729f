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
	greProtoPPP   = 0x880b
	greProtoSpan2 = 0x88be // ERSPAN types I and II
	greProtoSpan3 = 0x22eb // ERSPAN type III
)

// gre decodes a GRE tunnel. A packet that it does not understand stays a GRE packet. Keys and calls may differ between the directions,
// and are no part of the flow's identity. The exceptions are the networks of Ethernet frames: see greNetwork.
func (d decoder) gre(b []byte, missing int) Reason {
	if len(b) < greLen {
		return OK
	}
	flags, protocol := binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])
	n := greHeaderLen(flags)
	if len(b) < n || flags&greRouting != 0 {
		return OK
	}
	network := greNetwork(flags, b[:n])
	b = b[n:]
	switch flags & greVersion {
	case 0:
		return d.greContent(protocol, flags&greSequence != 0, network, b, missing)
	case 1:
		if protocol == greProtoPPP && len(b) > 0 {
			return d.tunnel(greProtoPPP, 0, b, missing)
		}
	}
	return OK
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
func (d decoder) span(header, frame []byte, missing int) Reason {
	p, depth := d.p, d.p.Depth
	vlan := uint16At(header, 0) & 0x0fff
	network := uint32(vlan)
	if isVLANTag(uint16At(frame, EthernetLen-2)) && uint16At(frame, EthernetLen)&0x0fff == vlan {
		network = 0
	}
	r := d.tunnel(EtherTEB, network, frame, missing)
	if p.Depth > depth {
		p.SpanVLAN = vlan
	}
	return r
}

// greContent decodes the payload of version 0. ERSPAN type I has no sequence number and no header of its own.
func (d decoder) greContent(protocol uint16, sequence bool, network uint32, b []byte, missing int) Reason {
	const span2Len, span3Len, span3SubLen = 8, 12, 8
	n := 0
	switch protocol {
	case EtherTEB:
		return d.tunnel(protocol, network, b, missing)
	case EtherIPv4, EtherIPv6, etherMPLS, etherMPLSMany:
		return d.tunnel(protocol, 0, b, missing)
	case greProtoSpan2:
		if sequence {
			n = span2Len
		}
	case greProtoSpan3:
		n = span3Len
		if len(b) >= span3Len && b[span3Len-1]&1 != 0 { // flag O: a platform specific subheader follows
			n += span3SubLen
		}
	default:
		return OK
	}
	if len(b) < n {
		return OK
	}
	return d.span(b[:n], b[n:], missing)
}
