package decap

import "encoding/binary"

// Cut reports whether bytes that an IP header in the frame announces are missing from the copy.
func (p *Packet) AnyTruncated() bool { return p.Truncated || p.outerTruncated }

// Missing returns how many bytes of the innermost IP packet the copy lacks. Of a packet with a routing header, it is how many of the
// payload.
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

// isFragment reports whether p is a piece of an IP packet.
func (p *Packet) isFragment() bool { return p.MoreFrags || p.FragOff != 0 }

// offset returns where in the frame the innermost IP packet begins; -1 if that is not known, or if it was put together from
// fragments. Nearly always the first place that is looked at is the one.
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

// CopyInto makes dst what p is, with all that it points to in data, which is a copy of p's frame. It reports false for what it cannot
// move: a packet that was put together from fragments, or whose payload does not end where it does.
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

// plainLink reports whether there is nothing but Ethernet II and VLAN tags, or nothing at all, before the IP packet that begins at
// an offset of the frame. Other link layers have lengths of their own.
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
