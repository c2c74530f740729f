package decap

import "encoding/binary"

// Fixes says what Fix shall do to a frame.
type Fixes struct {
	// VLAN is the number of an 802.1Q tag, 1 to 4094, that is put in before the tags that are there; 0 is for none. A frame
	// without an Ethernet header gets one first.
	VLAN uint16
	// Ethernet puts an Ethernet header before a frame that begins with an IP header, with the tags that a capture told of.
	// Its addresses are locally administered ones, of no host.
	Ethernet bool
	// Lengths makes the lengths of a packet whose copy was cut agree with what is there, and its checksums with both.
	// It also writes down the length of a whole packet whose IP header has a length of 0 (BIG TCP, or a sender that left the cutting
	// to its interface), if the header has room for it; a longer one stays as it is, for Segments.
	Lengths bool
	// Checksums computes those checksums anew that are wrong: the innermost IPv4 header's, and the transport's of a whole packet
	// that VerifyChecksums called bad. UDP over IPv4 without one stays without one. What the checksum of a tunnel covers
	// stays as it was.
	Checksums bool
}

// Fixed says what Fix did, in bits.
type Fixed uint8

// What Fix did beside the Ethernet header.
const (
	FixedLengths   Fixed = 1 << iota // lengths, and with them checksums
	FixedChecksums                   // checksums that were wrong
	// Unfixable is for a copy that was cut where that cannot be hidden, if Lengths were asked for: in the transport's header or
	// before it, in a fragment, in a tunnel, and behind link headers that have a length of their own. Of fragments, since what is put
	// together of them would have a hole or end too early.
	Unfixable
)

// etherNone is where an Ethernet header of ours says that the frame goes to and comes from: locally administered addresses.
var etherNone = [EthernetLen - 2]byte{0x02, 0, 0, 0, 0, 0x02, 0x02, 0, 0, 0, 0, 0x01}

// Fix makes the frame of p as another program can use it. The frame's beginning, up to the end of what is changed, is written into
// buf, for which a capacity of MaxHead is enough; the rest aliases p.Frame. With nothing to do head is empty. Bytes behind
// the IP packet, such as Ethernet padding, stay. Frames are not padded to Ethernet's minimum: the interface does that.
//
// p is what Parse called OK or Fragment. SYN, FIN and the like of a cut segment stay, although its last byte moves. SCTP keeps its CRC32c.
func (p *Packet) Fix(buf []byte, m Fixes) (head, tail []byte, did Fixed) {
	r, did := p.planFix(m)
	head, n := p.linkHead(buf[:0], m)
	if r.end == 0 {
		return head, p.Frame[n:], did
	}
	head = append(head, p.Frame[n:r.end]...)
	p.apply(r, head[len(head)-(r.end-r.at):])
	return head, p.Frame[r.end:], did
}

// linkHead writes the link header as far as it is made anew, which is instead of the first n bytes of the frame.
func (p *Packet) linkHead(head []byte, m Fixes) (_ []byte, n int) {
	switch {
	case p.FrameIsIP && (m.Ethernet || m.VLAN != 0):
		head = appendTag(append(head, etherNone[:]...), m.VLAN)
		for _, v := range p.VLANs[:p.NumVLANs] { // of a cooked capture's header
			head = appendTag(head, v)
		}
		return binary.BigEndian.AppendUint16(head, etherTypeOf(p.Frame)), 0
	case m.VLAN != 0 && len(p.Frame) >= EthernetLen:
		n = len(etherNone)
		return appendTag(append(head, p.Frame[:n]...), m.VLAN), n
	default:
		return head, 0
	}
}

func appendTag(head []byte, vlan uint16) []byte {
	if vlan == 0 {
		return head
	}
	return binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(head, EtherVLAN), vlan&0x0fff)
}
