package decap

import "encoding/binary"

// fastPath decodes the most common frames at once: Ethernet II with a complete, plain TCP or UDP packet over IPv4 without options, or
// over IPv6 without extension headers. It reports false for all others; the general path then overwrites what it wrote. It saves a quarter
// of Parse, since most packets are of this kind.
func (d decoder) fastPath(b []byte) (Reason, bool) {
	if len(b) < EthernetLen+IPv6Len {
		return OK, false
	}
	p := d.p
	t := binary.BigEndian.Uint16(b[12:])
	b = b[EthernetLen:]
	var header, n, total int
	switch {
	case t == EtherIPv4 && b[0] == 0x45 && binary.BigEndian.Uint16(b[6:])&(fragMore|fragOffset) == 0:
		header, n, total = IPv4Len, IPv4Len, int(binary.BigEndian.Uint16(b[2:]))
		p.Version, p.TTL, p.Proto = 4, b[8], b[9]
		p.Src.setIPv4(b[12:])
		p.Dst.setIPv4(b[16:])
	case t == EtherIPv6 && b[0]>>4 == 6:
		n, total = IPv6Len, IPv6Len+int(binary.BigEndian.Uint16(b[4:]))
		p.Version, p.TTL, p.Proto = 6, b[7], b[6]
		p.Src, p.Dst = Addr(b[8:24]), Addr(b[24:40])
	default:
		return OK, false
	}
	if total > len(b) || total < n+UDPLen {
		return OK, false
	}
	p.IPLen, p.Truncated = total, false
	p.packet, p.header, p.transport = b[:total:total], header, n
	return d.fastTransport(b[n:total:total])
}

// fastTransport is fastPath from the transport on.
func (d decoder) fastTransport(b []byte) (Reason, bool) {
	p := d.p
	var n int
	switch {
	case p.Proto == TCP && len(b) >= TCPLen && b[12] >= TCPLen/4<<4:
		n = int(b[12]>>4) * 4
		p.Seq, p.Ack = binary.BigEndian.Uint32(b[4:]), binary.BigEndian.Uint32(b[8:])
		p.TCPFlags, p.HasTCP = b[13], true
	case p.Proto == UDP && len(b) == int(binary.BigEndian.Uint16(b[4:])):
		n = UDPLen
	default:
		return OK, false
	}
	if n > len(b) {
		return OK, false
	}
	p.SrcPort, p.DstPort, p.HasPorts = binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:]), true
	p.Payload, p.PayloadLen = b[n:], len(b)-n
	if p.Proto == UDP && (isTunnelPort(p.DstPort) || isTunnelPort(p.SrcPort)) {
		return d.carried(p.Payload, 0), true
	}
	return OK, true
}
