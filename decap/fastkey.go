package decap

import (
	"encoding/binary"
	"net/netip"
)

// A FastKey is the part of a Packet that is needed to distribute packets by flow and to identify mirror sessions.
type FastKey struct {
	Src, Dst         Addr
	SrcPort, DstPort uint16
	Mirrored         bool
	Outer            netip.AddrPort // if mirrored, as VNI
	VNI              uint32

	envelope []byte // from the VXLAN header on; nil if Parse found the rest
}

// FastKey decodes the most common frames of a capture only: complete, plain TCP or UDP over IP in Ethernet, or the same in VXLAN. If it
// reports true, Parse returns OK and the same values. It takes less than half of the time of Parse.
func (dec *Decoder) FastKey(g *FastKey, d *Datagram) bool {
	if d.Link != LinkEthernet {
		return false
	}
	payload, udp, ok := g.frame(d.Data)
	if !ok {
		return false
	}
	g.Mirrored, g.envelope = false, nil
	if !isTunnelPort(g.SrcPort) && !isTunnelPort(g.DstPort) {
		return dec.Encapsulation != Always
	}
	if !udp || g.DstPort != PortVXLAN || dec.Encapsulation == Never {
		return false
	}
	if strong, _ := envelopeHeader(PortVXLAN, payload); !strong {
		return false
	}
	g.Mirrored, g.Outer, g.VNI = true, netip.AddrPortFrom(g.Src.Netip(), g.SrcPort), binary.BigEndian.Uint32(payload[4:])>>8
	g.envelope = payload
	if dec.Allow != nil && dec.Allow.check(g.Outer.Addr(), g.VNI) != OK {
		return false
	}
	_, _, ok = g.frame(payload[VXLANLen:])
	return ok && !isTunnelPort(g.SrcPort) && !isTunnelPort(g.DstPort)
}

// FastKey returns the fast key of a packet.
func (p *Packet) FastKey() FastKey {
	return FastKey{
		Src: p.Src, Dst: p.Dst, SrcPort: p.SrcPort, DstPort: p.DstPort,
		Mirrored: p.Mirrored, Outer: p.Outer, VNI: p.VNI,
	}
}

// Unwrap removes from the key's datagram what precedes its VXLAN header, if it has one, as if a socket had received it. Parse then returns
// the same packet in half of the time.
func (g *FastKey) Unwrap(d *Datagram) {
	if g.envelope != nil {
		d.Data, d.WireLen, d.Outer, d.Link = g.envelope, len(g.envelope), g.Outer, LinkVXLAN
	}
}

// Hash returns the packet's steering hash: see SteerFlow. For packets in tunnels it is the hash of the innermost addresses and ports,
// unlike the kernel's.
func (g *FastKey) Hash() uint32 { return SteerFlow(g.Src, g.Dst, g.SrcPort, g.DstPort) }

// frame is decoder.fastPath. The conditions of both must be the same.
func (g *FastKey) frame(b []byte) (payload []byte, udp, ok bool) {
	if len(b) < EthernetLen+IPv6Len {
		return nil, false, false
	}
	t := binary.BigEndian.Uint16(b[12:])
	b = b[EthernetLen:]
	var proto uint8
	var n, total int
	switch {
	case t == EtherIPv4 && b[0] == 0x45 && binary.BigEndian.Uint16(b[6:])&(fragMore|fragOffset) == 0:
		n, total, proto = IPv4Len, int(binary.BigEndian.Uint16(b[2:])), b[9]
		g.Src.setIPv4(b[12:])
		g.Dst.setIPv4(b[16:])
	case t == EtherIPv6 && b[0]>>4 == 6:
		n, total, proto = IPv6Len, IPv6Len+int(binary.BigEndian.Uint16(b[4:])), b[6]
		g.Src, g.Dst = Addr(b[8:24]), Addr(b[24:40])
	default:
		return nil, false, false
	}
	if total > len(b) || total < n+UDPLen {
		return nil, false, false
	}
	return g.transport(b[n:total:total], proto)
}

// transport is decoder.fastTransport.
func (g *FastKey) transport(b []byte, proto uint8) (payload []byte, udp, ok bool) {
	g.SrcPort, g.DstPort = binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])
	switch {
	case proto == UDP && len(b) == int(binary.BigEndian.Uint16(b[4:])):
		return b[UDPLen:], true, true
	case proto == TCP && len(b) >= TCPLen && b[12] >= TCPLen/4<<4 && int(b[12]>>4)*4 <= len(b):
		return nil, false, true
	default:
		return nil, false, false
	}
}
