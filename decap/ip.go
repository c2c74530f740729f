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

// IPv6, RFC 8200 section 3; the payload length includes the extension headers:
//
//	 0 |Version| traffic class |              flow label               |
//	 4 |        payload length         |  next header  |   hop limit   |
//	 8 |                        source address                         |
//	24 |                     destination address                       |
const IPv6Len = 40

// Protocols that hold another header of the same packet, or another packet.
const (
	ProtoHopByHop    = 0
	protoIPv4        = 4
	protoIPv6        = 41
	ProtoRouting     = 43
	ProtoFragment    = 44
	protoGRE         = 47
	protoAH          = 51
	protoNone        = 59
	ProtoDestination = 60
	protoMobility    = 135
)

// fragReserved6 are the reserved bits between the fragment offset and the M flag of IPv6's fragment header.
const fragReserved6 = 6

// ip tells IPv4 from IPv6 where nothing else does.
func (w walk) ip(b []byte, cut int) Reason {
	switch {
	case len(b) == 0:
		return ShortFrame
	case b[0]>>4 == 6:
		return w.ipv6(b, cut)
	default:
		return w.ipv4(b, cut)
	}
}

func (w walk) ipv4(b []byte, cut int) Reason {
	p := w.p
	if p.Frame == nil {
		p.Frame, p.FrameIsIP = b, true
	}
	if len(b) < IPv4Len {
		return ShortFrame
	}
	h := b[:IPv4Len:IPv4Len]
	n, total := int(h[0]&0x0f)*4, int(binary.BigEndian.Uint16(h[2:]))
	if total == 0 { // BIG TCP, or a segment that the sender's interface was to split
		total = len(b) + cut
	}
	if h[0]>>4 != 4 || n < IPv4Len || total < n {
		return BadIP
	}
	p.Version, p.TTL, p.IPLen = 4, h[8], total
	p.Src.setIPv4(h[12:])
	p.Dst.setIPv4(h[16:])
	b, cut = p.bound(b, total)
	if len(b) < n { // the copy was cut in the options
		b, cut = b[len(b):], total-n
	} else {
		p.header, p.transport = n, n
		b = b[n:]
	}
	if frag := binary.BigEndian.Uint16(h[6:]); frag&(fragMore|fragOffset) != 0 {
		p.FragID = uint32(binary.BigEndian.Uint16(h[4:]))
		return w.fragment(h[9], frag&fragOffset*8, frag&fragMore != 0, b, cut)
	}
	return w.transport(h[9], b, cut)
}

func (w walk) ipv6(b []byte, cut int) Reason {
	p := w.p
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
		total = len(b) + cut
	}
	p.Version, p.TTL, p.IPLen = 6, h[7], total
	p.Src, p.Dst = Addr(h[8:24]), Addr(h[24:40])
	b, cut = p.bound(b, total)
	p.transport = IPv6Len
	return w.transport(h[6], b[IPv6Len:], cut)
}

// bound ends b where the IP packet ends: what follows is Ethernet padding. It returns how much of the packet is missing.
func (p *Packet) bound(b []byte, total int) (packet []byte, cut int) {
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

// setIPv4 makes a the IPv4-mapped IPv6 address. The order of bytes is the one of which the compiler makes whole words:
// put together byte by byte, an address costs as much as half of the rest of Parse, and is slow to read again.
func (a *Addr) setIPv4(v4 []byte) {
	binary.LittleEndian.PutUint64(a[:], 0)
	binary.LittleEndian.PutUint64(a[8:], 0xffff0000|uint64(binary.LittleEndian.Uint32(v4))<<32)
}

// mapped returns an IPv4 address as IPv4-mapped IPv6.
func mapped(v4 [4]byte) (a Addr) {
	a.setIPv4(v4[:])
	return a
}

// fragment notes one piece of a packet. Its payload is what Resume will want, put together.
func (w walk) fragment(proto uint8, offset uint16, more bool, b []byte, cut int) Reason {
	p := w.p
	p.Proto, p.FragOff, p.MoreFrags = proto, offset, more
	p.Payload, p.PayloadLen = b, len(b)+cut
	if offset == 0 && hasPorts(proto) {
		p.ports(b)
	}
	return Fragment
}

// extensions walks over extension headers, of which the first one's kind is next (RFC 8200 section 4, RFC 4302, RFC
// 6275). A chain that is cut, or longer than its packet, ends the walk at the header that is not whole: it then
// counts as the transport.
//
//	|  next header  |    length     |        as the kind says       |
func (w walk) extensions(next uint8, b []byte, cut int) Reason {
	routed := false
	for w.p.extendedBy(next) {
		n := 8
		switch {
		case len(b) < n:
			return w.opaque(next, b, cut)
		case next == protoAH:
			n = 4 * (int(b[1]) + 2)
		case next == ProtoFragment:
			offset := binary.BigEndian.Uint16(b[2:])
			if offset&^fragReserved6 != 0 { // else an atomic fragment, which is a whole packet (RFC 6946)
				w.p.FragID = binary.BigEndian.Uint32(b[4:])
				return w.fragment(b[0], offset&^7, offset&1 != 0, b[n:], cut)
			}
		default:
			n += 8 * int(b[1])
			routed = routed || next == ProtoRouting && b[3] != 0
		}
		if len(b) < n {
			return w.opaque(next, b, cut)
		}
		next, b = b[0], b[n:]
	}
	w.p.transport = len(w.p.packet) - len(b)
	r := w.transport(next, b, cut)
	if routed { // the checksum is over the address of the last hop, which only the routing header knows
		w.p.packet = nil
	}
	return r
}

// extendedBy reports whether a protocol number is an extension header's. In IPv4 the authentication header alone is one.
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
