package decap

import (
	"encoding/binary"

	"github.com/mirrorsink/mirrorsink/decap/wire"
)

// mplsInUDP decodes a label stack in UDP (RFC 7510) or in IP (RFC 4023). Labels differ between the directions.
func (d tunnelDecoder) mplsInUDP(b []byte, missing int) Reason {
	switch {
	case plausibleLabels(b, missing):
		return d.tunnel(etherMPLS, 0, b, missing)
	default:
		return d.skipOther(b, maxLabels*labelLen+controlWordLen, missing)
	}
}

// Generic UDP Encapsulation (draft-ietf-intarea-gue section 3). The length of the fields that flags announce is in units of four bytes:
//
//	|Ver|C|  Hlen   | protocol or type  |            flags              |
//
// Variant 1 is an IP packet, whose version starts with the bits 01.
func (d tunnelDecoder) gue(b []byte, missing int) Reason {
	const control, fieldsLen = 0x20, 0x1f
	c := wire.New(b)
	first, protocol, _ := c.U8(), c.U8(), c.U16()
	if !c.OK() {
		return d.skipShort(missing)
	}
	switch first >> 6 {
	case 0:
		c.Skip(4 * int(first&fieldsLen))
		switch {
		case !c.OK():
			return d.skipShort(missing)
		case first&control != 0:
			return OK
		}
		return d.guePayload(protocol, c.Rest(), missing)
	case 1:
		return d.plainIP(b, missing)
	default:
		return d.skip(TunnelVersion)
	}
}

// guePayload decodes the payload of an IP protocol.
func (d tunnelDecoder) guePayload(protocol uint8, b []byte, missing int) Reason {
	switch protocol {
	case protoIPv4, protoIPv6:
		if len(b) > 0 && (etherTypeOf(b) == EtherIPv4) != (protocol == protoIPv4) {
			return d.skip(TunnelMalformed)
		}
		return d.plainIP(b, missing)
	case protoGRE:
		if !plausibleGRE(b, missing) {
			return d.skipOther(b, greLen+3*greFieldLen, missing)
		}
		return d.gre(b, missing)
	case protoEthernet:
		return d.plainEthernet(b, missing)
	case protoEtherIP:
		return d.etherIP(b, missing)
	case protoMPLS:
		return d.mplsInUDP(b, missing)
	case protoNone:
		return OK
	default:
		return d.skip(TunnelNotIP)
	}
}

// plainIP enters a plausible IP packet.
func (d tunnelDecoder) plainIP(b []byte, missing int) Reason {
	switch {
	case plausibleIP(b, missing):
		return d.tunnel(etherTypeOf(b), 0, b, missing)
	case len(b) < IPv6Len:
		return d.skipShort(missing)
	default:
		return d.skip(TunnelMalformed)
	}
}

// plainEthernet enters a frame with a plausible IP packet.
func (d tunnelDecoder) plainEthernet(b []byte, missing int) Reason {
	switch {
	case plausibleFrame(b, missing):
		return d.tunnel(EtherTEB, 0, b, missing)
	default:
		return d.skipOther(b, 0, missing)
	}
}

// skipOther is skip for what may be a frame behind a header of at most head bytes, and shows no IP packet. If the copy ends where its IP header may
// be, that is the reason.
func (d tunnelDecoder) skipOther(b []byte, head, missing int) Reason {
	if missing > 0 && len(b) < head+EthernetLen+MaxVLANs*VLANLen+IPv6Len {
		return d.skip(TunnelTruncated)
	}
	return d.skip(TunnelNotIP)
}

// fou decodes what Linux calls foo over UDP: an IP packet or a GRE header at once. It has no port of its own, so the ports are those of the
// examples in ip-fou(8) and in the kernel's documentation, and all that is there must be right.
func (d tunnelDecoder) fou(b []byte, missing int) Reason {
	switch {
	case plausibleFOU(b, missing):
		return d.tunnel(etherTypeOf(b), 0, b, missing)
	case plausibleGRE(b, missing):
		return d.gre(b, missing)
	default:
		return OK
	}
}

// plausibleFOU reports whether b is an IP packet that ends where the datagram ends. An IPv4 header must have a right checksum, and an IPv6
// header a known protocol and addresses of hosts.
func plausibleFOU(b []byte, missing int) bool {
	if !plausibleIP(b, missing) {
		return false
	}
	if b[0]>>4 == 4 {
		n, total := int(b[0]&0x0f)*4, int(binary.BigEndian.Uint16(b[2:]))
		return total == len(b)+missing && n <= len(b) && fold16(sum(b[:n])) == 0xffff
	}
	const multicast = 0xff
	switch b[6] {
	case TCP, UDP, SCTP, ICMPv6, ProtoFragment, ProtoHopByHop, ProtoDestination, protoGRE, protoESP:
		return b[7] != 0 && b[8] != multicast && b[8] != 0
	default:
		return false
	}
}

// etherIP decodes Ethernet in IP (RFC 3378): a version of four bits, 3, and 12 bits that are 0.
func (d tunnelDecoder) etherIP(b []byte, missing int) Reason {
	const version = 3
	c := wire.New(b)
	switch header := c.U16(); {
	case !c.OK():
		return d.skipShort(missing)
	case header>>12 != version:
		return d.skip(TunnelVersion)
	case header&0x0fff != 0:
		return d.skip(TunnelMalformed)
	}
	return d.tunnel(EtherTEB, 0, c.Rest(), missing)
}
