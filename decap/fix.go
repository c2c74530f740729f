package decap

import "encoding/binary"

// Fixes are what Fix shall do to a frame.
type Fixes struct {
	// VLAN is the number of an 802.1Q tag, 1 to 4094, that is inserted before existing tags; 0 for none. A frame without an Ethernet
	// header gets one first.
	VLAN uint16
	// Ethernet adds an Ethernet header to a frame that starts with an IP header, with the tags that the capture recorded. The addresses
	// are locally administered and belong to no host.
	Ethernet bool
	// Lengths sets the lengths of a truncated packet to what is there, and its checksums accordingly. It also sets the length of a complete
	// packet whose IP header has a length of 0 (BIG TCP, or a sender that left segmentation to its interface), if the length fits into
	// the header. Longer packets do not change, and are for Segments.
	Lengths bool
	// Checksums replaces wrong checksums: of the innermost IPv4 header, and of the transport of a complete packet for which
	// VerifyChecksums returned true. UDP over IPv4 without a checksum stays without one. Bytes that the checksum of a tunnel covers do
	// not change.
	Checksums bool
}

// Fixed is what Fix did, in bits.
type Fixed uint8

// What Fix did besides link headers.
const (
	FixedLengths   Fixed = 1 << iota // lengths, and with them checksums
	FixedChecksums                   // checksums that were wrong
	// Unfixable is for a copy that Lengths cannot fix: one that was truncated in the transport's header or before it, in a fragment, in a
	// tunnel, or behind link headers with a length field of their own. A packet reassembled from shortened fragments would have a hole
	// or end too early.
	Unfixable
)

// etherNone are the addresses of an Ethernet header that Fix adds: locally administered ones.
var etherNone = [EthernetLen - 2]byte{0x02, 0, 0, 0, 0, 0x02, 0x02, 0, 0, 0, 0, 0x01}

// Fix returns the frame of p in a form that other programs can use, as head followed by tail. The head, up to the end of what is changed,
// is written into buf, for which a capacity of MaxHead is enough. The tail aliases p.Frame. With nothing to do the head is empty. Bytes
// behind the IP packet, such as Ethernet padding, stay. Frames are not padded to Ethernet's minimum: the interface does that.
//
// Parse must have returned OK or Fragment for p. Flags of a truncated segment, such as FIN, do not change, although its last byte moves.
// SCTP keeps its CRC32c.
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

// linkHead appends the part of the link header that is rewritten, which replaces the first n bytes of the frame.
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
