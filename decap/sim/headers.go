package sim

import (
	"encoding/binary"
	"net/netip"

	"github.com/mirrorsink/mirrorsink/decap"
)

// headers are what filters and the hash look at: those of the frame itself, not of tunnels within it.
type headers struct {
	dstMAC, srcMAC [6]byte
	etherType      uint16 // after VLAN tags; 0 if the frame is too short for one
	src, dst       netip.Addr
	proto          uint8 // after IPv6 extension headers
	fragment       bool  // of a fragmented packet
	ports          bool  // sport and dport are known
	sport, dport   uint16
}

// parseHeaders reads as far as the frame goes, and leaves the rest zero.
func parseHeaders(frame []byte) headers {
	var h headers
	if len(frame) < decap.EthernetLen {
		return h
	}
	h.dstMAC, h.srcMAC = [6]byte(frame[:6]), [6]byte(frame[6:12])
	h.etherType = binary.BigEndian.Uint16(frame[12:])
	b := frame[decap.EthernetLen:]
	for (h.etherType == decap.EtherVLAN || h.etherType == decap.EtherQinQ) && len(b) >= decap.VLANLen {
		h.etherType = binary.BigEndian.Uint16(b[2:])
		b = b[decap.VLANLen:]
	}
	switch h.etherType {
	case decap.EtherIPv4:
		h.ipv4(b)
	case decap.EtherIPv6:
		h.ipv6(b)
	}
	return h
}

func (h *headers) ipv4(b []byte) {
	if len(b) < decap.IPv4Len {
		return
	}
	h.src, h.dst = netip.AddrFrom4([4]byte(b[12:16])), netip.AddrFrom4([4]byte(b[16:20]))
	h.proto = b[9]
	h.fragment = binary.BigEndian.Uint16(b[6:])&0x3fff != 0 // more fragments, or an offset
	first := binary.BigEndian.Uint16(b[6:])&0x1fff == 0
	if n := int(b[0]&15) * 4; first && n >= decap.IPv4Len && n <= len(b) {
		h.transport(b[n:])
	}
}

func (h *headers) ipv6(b []byte) {
	if len(b) < decap.IPv6Len {
		return
	}
	h.src, h.dst = netip.AddrFrom16([16]byte(b[8:24])), netip.AddrFrom16([16]byte(b[24:40]))
	h.proto = b[6]
	b = b[decap.IPv6Len:]
	for len(b) >= 8 {
		n := 8
		switch h.proto {
		case decap.ProtoHopByHop, decap.ProtoRouting, decap.ProtoDestination:
			n += int(b[1]) * 8
		case decap.ProtoFragment:
			h.fragment = true
			if binary.BigEndian.Uint16(b[2:])>>3 != 0 {
				h.proto = b[0]
				return
			}
		default:
			h.transport(b)
			return
		}
		h.proto = b[0]
		if n > len(b) {
			return
		}
		b = b[n:]
	}
	h.transport(b)
}

func (h *headers) transport(b []byte) {
	if (h.proto == decap.TCP || h.proto == decap.UDP) && len(b) >= decap.PortsLen {
		h.ports = true
		h.sport, h.dport = binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])
	}
}
