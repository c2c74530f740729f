package decap

import "encoding/binary"

// AnyTruncated reports whether the copy lacks bytes that any IP header in the frame announces.
func (p *Packet) AnyTruncated() bool { return p.Truncated || p.outerTruncated }

// Missing returns how many bytes of the innermost IP packet the copy lacks. For a packet with a routing header it counts the payload
// alone.
func (p *Packet) Missing() int {
	switch {
	case !p.Truncated:
		return 0
	case p.packet == nil:
		return p.PayloadLen - len(p.Payload)
	default:
		return p.IPLen - len(p.packet)
	}
}

// isFragment reports whether p is a fragment of an IP packet.
func (p *Packet) isFragment() bool { return p.MoreFrags || p.FragOff != 0 }

// offset returns where in the frame the innermost IP packet starts. It returns -1 if that is not known, or if the packet was
// reassembled. Nearly always the first offset that it tries is right.
func (p *Packet) offset() int {
	if len(p.packet) == 0 {
		return -1
	}
	i := EthernetLen
	if p.FrameIsIP {
		i = 0
	}
	for ; i < len(p.Frame); i++ {
		if &p.Frame[i] == &p.packet[0] {
			return i
		}
	}
	return -1
}

// CopyInto copies p to dst, whose slices then alias data, a copy of p's frame. It reports false if it cannot: for a packet that was
// reassembled, or whose payload does not end where the packet ends.
func (p *Packet) CopyInto(dst *Packet, data []byte) bool {
	at, n := p.offset(), len(p.packet)-len(p.Payload)
	if at < 0 || n < 0 || len(p.Payload) > 0 && &p.Payload[0] != &p.packet[n] {
		return false
	}
	*dst = *p
	dst.Frame = data
	dst.packet = data[at : at+len(p.packet)]
	dst.Payload = dst.packet[n:]
	return true
}

// plainLink reports whether the IP packet at an offset of the frame follows Ethernet II with VLAN tags, or nothing at all. Other link
// layers have length fields of their own.
func (p *Packet) plainLink(at int) bool {
	if p.FrameIsIP {
		return at == 0
	}
	i := EthernetLen - 2
	for isVLANTag(uint16At(p.Frame, i)) {
		i += VLANLen
	}
	return i+2 == at && binary.BigEndian.Uint16(p.Frame[i:]) >= etherMin
}
