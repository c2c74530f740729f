package decap

import "encoding/binary"

// IPv4, RFC 791 section 3.1; header and fragment offsets are in units of four and eight bytes:
//
//	 0 |Version|  IHL  |      TOS      |         total length          |
//	 4 |        identification         |0|D|M|     fragment offset     |
//	 8 |      TTL      |    protocol   |        header checksum        |
//	12 |                        source address                         |
//	16 |                     destination address                       |
const (
	IPv4Len    = 20
	fragMore   = 0x2000
	fragOffset = 0x1fff
)

// IPv6Len is the length of an IPv6 header, RFC 8200 section 3. The payload length includes the extension headers:
//
//	 0 |Version| traffic class |              flow label               |
//	 4 |        payload length         |  next header  |   hop limit   |
//	 8 |                        source address                         |
//	24 |                     destination address                       |
const IPv6Len = 40

// Protocols whose payload is another header of the same packet, or another packet.
const (
	ProtoHopByHop    = 0
	protoIPv4        = 4
	protoIPv6        = 41
	ProtoRouting     = 43
	ProtoFragment    = 44
	protoGRE         = 47
	protoESP         = 50
	protoAH          = 51
	protoNone        = 59
	ProtoDestination = 60
	protoEtherIP     = 97
	protoL2TP        = 115
	protoMobility    = 135
	protoMPLS        = 137
	protoEthernet    = 143
)

// fragReserved6 are the reserved bits between the fragment offset and the M flag of IPv6's fragment header.
const fragReserved6 = 6

// ip decodes IPv4 or IPv6 by the version.
func (d decoder) ip(b []byte, missing int) Reason {
	switch {
	case len(b) == 0:
		return ShortFrame
	case b[0]>>4 == 6:
		return d.ipv6(b, missing)
	default:
		return d.ipv4(b, missing)
	}
}

func (d decoder) ipv4(b []byte, missing int) Reason {
	p := d.p
	if p.Frame == nil {
		p.Frame, p.FrameIsIP = b, true
	}
	if len(b) < IPv4Len {
		return ShortFrame
	}
	h := b[:IPv4Len:IPv4Len]
	n, total := int(h[0]&0x0f)*4, int(binary.BigEndian.Uint16(h[2:]))
	if total == 0 { // BIG TCP, or a segment that the sender's interface was to cut
		total = len(b) + missing
	}
	if h[0]>>4 != 4 || n < IPv4Len || total < n {
		return BadIP
	}
	p.Version, p.TTL, p.IPLen = 4, h[8], total
	p.Src.setIPv4(h[12:])
	p.Dst.setIPv4(h[16:])
	b, missing = p.bound(b, total)
	if len(b) < n { // the copy was truncated in the options
		b, missing = b[len(b):], total-n
	} else {
		p.header, p.transport = n, n
		b = b[n:]
	}
	if frag := binary.BigEndian.Uint16(h[6:]); frag&(fragMore|fragOffset) != 0 {
		p.FragID = uint32(binary.BigEndian.Uint16(h[4:]))
		return d.fragment(h[9], frag&fragOffset*8, frag&fragMore != 0, b, missing)
	}
	return d.transport(h[9], b, missing)
}

func (d decoder) ipv6(b []byte, missing int) Reason {
	p := d.p
	if p.Frame == nil {
		p.Frame, p.FrameIsIP = b, true
	}
	if len(b) < IPv6Len {
		return ShortFrame
	}
	h := b[:IPv6Len:IPv6Len]
	if h[0]>>4 != 6 {
		return BadIP
	}
	total := IPv6Len + int(binary.BigEndian.Uint16(h[4:]))
	if total == IPv6Len && h[6] != protoNone { // a jumbogram (RFC 2675), or BIG TCP without its option
		total = len(b) + missing
	}
	p.Version, p.TTL, p.IPLen = 6, h[7], total
	p.Src, p.Dst = Addr(h[8:24]), Addr(h[24:40])
	b, missing = p.bound(b, total)
	p.transport = IPv6Len
	return d.transport(h[6], b[IPv6Len:], missing)
}

// bound ends b where the IP packet ends, before Ethernet padding. It returns how many bytes of the packet are missing.
func (p *Packet) bound(b []byte, total int) (packet []byte, missing int) {
	p.header = 0
	if total <= len(b) {
		p.Truncated = false
		p.packet = b[:total:total]
		return p.packet, 0
	}
	p.Truncated = true
	p.packet = b
	return b, total - len(b)
}

// setIPv4 sets a to the IPv4-mapped IPv6 address. The compiler turns this order of bytes into whole words. Assembled byte by byte, an
// address costs as much as half of the rest of Parse, and is slow to read again.
func (a *Addr) setIPv4(v4 []byte) {
	binary.LittleEndian.PutUint64(a[:], 0)
	binary.LittleEndian.PutUint64(a[8:], 0xffff0000|uint64(binary.LittleEndian.Uint32(v4))<<32)
}

// fragment records a fragment. ParseReassembled takes the payloads of all fragments together.
func (d decoder) fragment(proto uint8, offset uint16, more bool, b []byte, missing int) Reason {
	p := d.p
	p.Proto, p.FragOff, p.MoreFrags = proto, offset, more
	p.Payload, p.PayloadLen = b, len(b)+missing
	if offset == 0 && hasPorts(proto) {
		p.ports(b)
	}
	return Fragment
}

// extensions skips extension headers, of which the first is of kind next (RFC 8200 section 4, RFC 4302, RFC 6275). In a chain that is
// truncated, or longer than its packet, the first incomplete header counts as the transport.
//
//	|  next header  |    length     |        as the kind says       |
func (d decoder) extensions(next uint8, b []byte, missing int) Reason {
	routed := false
	for d.p.extendedBy(next) {
		n := 8
		switch {
		case len(b) < n:
			return d.opaque(next, b, missing)
		case next == protoAH:
			n = 4 * (int(b[1]) + 2)
		case next == ProtoFragment:
			offset := binary.BigEndian.Uint16(b[2:])
			if offset&^fragReserved6 != 0 { // otherwise an atomic fragment, which is a complete packet (RFC 6946)
				d.p.FragID, d.p.routed = binary.BigEndian.Uint32(b[4:]), routed
				return d.fragment(b[0], offset&^7, offset&1 != 0, b[n:], missing)
			}
		default:
			n += 8 * int(b[1])
			routed = routed || next == ProtoRouting && b[3] != 0
		}
		if len(b) < n {
			return d.opaque(next, b, missing)
		}
		next, b = b[0], b[n:]
	}
	d.p.transport = len(d.p.packet) - len(b)
	depth := d.p.Depth
	r := d.transport(next, b, missing)
	if routed && d.p.Depth == depth { // the checksum covers the address of the last hop, which only the routing header has
		d.p.packet = nil
	}
	return r
}

// extendedBy reports whether a protocol number is an extension header's. In IPv4 only the authentication header is one.
func (p *Packet) extendedBy(proto uint8) bool {
	switch proto {
	case protoAH:
		return true
	case ProtoHopByHop, ProtoRouting, ProtoFragment, ProtoDestination, protoMobility:
		return p.Version == 6
	default:
		return false
	}
}
