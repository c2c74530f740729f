package decap

import "encoding/binary"

// The payload of a UDP port is a tunnel's only if the packet in it confirms it, since any program may use any port. These functions judge a
// packet that was not decoded yet. Bytes behind it must be accounted for, so that other payloads pass in one of a million cases at most.

// plausibleIP reports whether b is an IP packet whose length is the number of bytes that are there and missing, or an IPv4 packet with
// a right header checksum and bytes behind it.
func plausibleIP(b []byte, missing int) bool {
	if len(b) < IPv4Len {
		return false
	}
	there := len(b) + missing
	switch b[0] >> 4 {
	case 4:
		n, total := int(b[0]&0x0f)*4, int(binary.BigEndian.Uint16(b[2:]))
		if n < IPv4Len || total < n || total > there {
			return false
		}
		return total == there || n <= len(b) && fold16(sum(b[:n])) == 0xffff
	case 6:
		return len(b) >= IPv6Len && IPv6Len+int(binary.BigEndian.Uint16(b[4:])) == there
	default:
		return false
	}
}

// plausibleOf is plausibleIP for a packet of an EtherType. A frame check sequence may follow.
func plausibleOf(etherType uint16, b []byte, missing int) bool {
	const fcsLen = 4
	if etherTypeOf(b) != etherType || etherType != EtherIPv4 && etherType != EtherIPv6 {
		return false
	}
	return plausibleIP(b, missing) || etherType == EtherIPv6 && len(b) >= fcsLen && missing == 0 && plausibleIP(b[:len(b)-fcsLen], 0)
}

// plausibleFrame reports whether b is an Ethernet frame, with tags or without, around a plausible IP packet.
func plausibleFrame(b []byte, missing int) bool {
	at := EthernetLen - 2
	for isVLANTag(uint16At(b, at)) {
		at += VLANLen
	}
	return at+2 <= len(b) && plausibleOf(binary.BigEndian.Uint16(b[at:]), b[at+2:], missing)
}

// plausiblePPP reports whether b is a PPP frame around a plausible IP packet.
func plausiblePPP(b []byte, missing int) bool {
	switch protocol, packet, _ := pppProtocol(b); protocol {
	case pppIPv4:
		return etherTypeOf(packet) == EtherIPv4 && plausibleIP(packet, missing)
	case pppIPv6:
		return etherTypeOf(packet) == EtherIPv6 && plausibleIP(packet, missing)
	case pppMPLS:
		return plausibleLabels(packet, missing)
	default:
		return false
	}
}

// plausibleLabels reports whether b is a stack of MPLS labels, not deeper than any network has them, on a plausible packet or pseudowire.
func plausibleLabels(b []byte, missing int) bool {
	for range maxLabels {
		if len(b) < labelLen {
			return false
		}
		bottom := b[2]&1 != 0
		if b = b[labelLen:]; bottom {
			return plausibleIP(b, missing) || plausibleFrame(b, missing) ||
				len(b) > controlWordLen && b[0]>>4 == 0 && plausibleFrame(b[controlWordLen:], missing)
		}
	}
	return false
}

// plausibleGRE reports whether b is a GRE header that has no other flags than those in use, and a plausible packet behind it.
func plausibleGRE(b []byte, missing int) bool {
	if len(b) < greLen {
		return false
	}
	flags, protocol := binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])
	n := greHeaderLen(flags)
	if flags&^(greChecksum|greKey|greSequence) != 0 || n > len(b) {
		return false
	}
	if protocol == EtherTEB {
		return plausibleFrame(b[n:], missing)
	}
	return plausibleOf(protocol, b[n:], missing)
}
