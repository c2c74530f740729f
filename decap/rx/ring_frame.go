package rx

import (
	"encoding/binary"
	"net/netip"

	"github.com/mirrorsink/mirrorsink/decap"
)

// outer is the datagram of a frame by its outer headers.
type outer struct {
	from    netip.AddrPort
	payload []byte // of UDP, as far as it was captured
	length  int    // of UDP's payload by its header, which is larger than the payload of a fragment or a truncated frame
}

// parseOuter reads the IP and UDP headers of a packet that the ring's filter has let through, IP first. It reports false if
// they are invalid, and the kernel's own stack would drop the packet. What follows UDP's payload is padding. Checksums are
// ignored: the sender of a mirror sets none, and the inner frame has its own.
func parseOuter(packet []byte) (o outer, ok bool) {
	if len(packet) == 0 {
		return outer{}, false
	}
	switch packet[0] & 0xf0 {
	case ipv4Version:
		return parseOuter4(packet)
	case ipv6Version:
		return parseOuter6(packet)
	}
	return outer{}, false
}

func parseOuter4(packet []byte) (outer, bool) {
	if len(packet) < decap.IPv4Len || packet[ipv4ProtocolOff] != decap.UDP {
		return outer{}, false
	}
	header := 4 * int(packet[0]&0x0f)
	total := int(binary.BigEndian.Uint16(packet[2:]))
	fragment := binary.BigEndian.Uint16(packet[ipv4FragmentOff:])
	if header < decap.IPv4Len || total < header || fragment&ipv4OffsetBits != 0 {
		return outer{}, false
	}
	source := netip.AddrFrom4([4]byte(packet[ipv4SourceOff:]))
	const moreFragments = 0x2000
	return parseOuterUDP(source, packet, header, total, fragment&moreFragments != 0)
}

func parseOuter6(packet []byte) (outer, bool) {
	if len(packet) < decap.IPv6Len {
		return outer{}, false
	}
	header, next, more := decap.IPv6Len, packet[ipv6NextOff], false
	total := decap.IPv6Len + int(binary.BigEndian.Uint16(packet[4:]))
	if next == decap.ProtoFragment && len(packet) >= decap.IPv6Len+ipv6FragmentLen {
		fragment := binary.BigEndian.Uint16(packet[ipv6FragOffset:])
		if fragment&ipv6OffsetBits != 0 {
			return outer{}, false
		}
		header, next, more = decap.IPv6Len+ipv6FragmentLen, packet[decap.IPv6Len], fragment&1 != 0
	}
	if next != decap.UDP {
		return outer{}, false
	}
	return parseOuterUDP(netip.AddrFrom16([16]byte(packet[ipv6SourceOff:])), packet, header, total, more)
}

// parseOuterUDP reads the UDP header at packet[header:]. The IP packet has total bytes and, if more is set, others follow.
func parseOuterUDP(source netip.Addr, packet []byte, header, total int, more bool) (outer, bool) {
	packet = packet[:min(len(packet), total)]
	if len(packet) < header+decap.UDPLen {
		return outer{}, false
	}
	udp := packet[header:]
	length := int(binary.BigEndian.Uint16(udp[4:]))
	if length == 0 && source.Is6() {
		length = total - header // RFC 2675 section 4
	}
	if length < decap.UDPLen || length > total-header && !more {
		return outer{}, false
	}
	end := min(length, len(udp))
	return outer{
		from:    netip.AddrPortFrom(source, binary.BigEndian.Uint16(udp)),
		payload: udp[decap.UDPLen:end:end],
		length:  length - decap.UDPLen,
	}, true
}
