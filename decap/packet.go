package decap

import (
	"encoding/binary"
	"net/netip"
)

// MaxDepth is how many tunnels may be nested inside the mirrored frame before a packet is TooDeep. A packet behind a
// Gateway Load Balancer endpoint that itself carries a tunnel needs two. Four leaves room and bounds the work.
const MaxDepth = 4

// MaxVLANs is how many VLAN tags are kept. Further ones are skipped.
const MaxVLANs = 3

// TCP flags, as in the header's byte 13 (RFC 9293).
const (
	FIN = 1 << iota
	SYN
	RST
	PSH
	ACK
	URG
	ECE
	CWR
)

// IP protocol numbers that mirrorsink treats by name.
const (
	ICMP   = 1
	TCP    = 6
	UDP    = 17
	ICMPv6 = 58
	SCTP   = 132
)

// Addr is an IP address in 16 bytes, IPv4 as IPv4-mapped IPv6. It holds no pointer, unlike netip.Addr, so that flow
// records and keys are invisible to the garbage collector.
type Addr [16]byte

// Netip returns the address; IPv4-mapped ones become IPv4.
func (a Addr) Netip() netip.Addr { return netip.AddrFrom16(a).Unmap() }

// A Packet is one decoded datagram. Parse overwrites every field. Slices alias the datagram and are valid as long as its Data. After
// a Reason other than OK and Fragment only the fields of the envelope mean anything, and only as far as Parse came.
type Packet struct {
	// The envelope that the mirror put around the frame.
	Mirrored     bool           // the frame came in a VXLAN or GENEVE envelope
	ReservedBits bool           // a reserved bit or flag of the VXLAN header was set, which is accepted
	Outer        netip.AddrPort // the envelope's source: the mirrored interface's primary address
	VNI          uint32         // 24 bits; of the VXLAN header, or of the GENEVE header if there is none

	// The mirrored frame.
	Frame     []byte // from its first byte: Ethernet, or IP if FrameIsIP
	FrameIsIP bool
	VLANs     [MaxVLANs]uint16 // 802.1Q/802.1ad tags, outermost first, 12 bits each
	NumVLANs  uint8
	SpanVLAN  uint16 // the VLAN of the mirrored frame by an ERSPAN header; 0 if there is none
	Depth     uint8  // number of tunnels inside the frame, such as VXLAN, GTP-U, GRE, L2TP, IP-in-IP
	Tunnel    uint32 // the VLANs and VNIs inside the frame, folded into one number for the flow key; 0 if none

	// The innermost IP header.
	Version   uint8 // 4 or 6
	Proto     uint8 // the transport's IP protocol number, after all extension headers
	TTL       uint8
	Src, Dst  Addr
	IPLen     int    // bytes of the IP packet by its header, fixed header included; for BIG TCP (0 in the header) by the wire length
	FragID    uint32 // identification; valid for a Fragment
	FragOff   uint16 // offset of this fragment in bytes
	MoreFrags bool

	// The transport.
	SrcPort, DstPort uint16 // TCP, UDP, SCTP; 0 otherwise, and for a fragment other than the first
	ICMPType         uint8
	ICMPCode         uint8
	ICMPID           uint16 // identifier of an echo request or reply
	TCPFlags         uint8
	Seq, Ack         uint32
	Payload          []byte // the captured part of the transport's payload; for a Fragment, of the IP payload
	PayloadLen       int    // the length of the transport's payload by the headers: len(Payload) unless the copy was truncated

	TunnelSkip TunnelSkip // why the packet is that of a tunnel itself, and not the one inside

	Truncated   bool // bytes that the innermost IP header announces are missing from the copy
	HasPorts    bool // the ports were within the captured bytes
	HasTCP      bool // the whole fixed TCP header was within the captured bytes, so TCPFlags, Seq and Ack are valid
	BadChecksum bool // set by VerifyChecksums: the IPv4 header, or the transport of a complete packet, has a wrong checksum

	TCP TCPHeader // set by ReadTCPHeader: what else a TCP header has

	// For Fix: the tunnels around the innermost packet.
	covered        bool // a checksum of a tunnel covers the packet
	outerTruncated bool // bytes that an IP header of a tunnel announces are missing

	// For VerifyChecksums: the captured part of the innermost IP packet, and the offsets in it at which the IPv4 header ends (0 if there
	// is none to check) and the transport starts. After ParseReassembled packet is the IP payload alone.
	packet    []byte
	header    int
	transport int
	routed    bool // of a Fragment: the checksum covers an address that only the routing header has
}

// IPID returns the identification of the innermost IPv4 header, which differs between a packet and its retransmission. It returns 0 for
// IPv6, after ParseReassembled, and if the copy was truncated in the header.
func (p *Packet) IPID() uint16 {
	if p.header < IPv4Len {
		return 0
	}
	return binary.BigEndian.Uint16(p.packet[4:])
}

// TransportSum returns the checksum field of TCP, UDP, ICMP or ICMPv6, which covers the payload; 0 if it is not there.
func (p *Packet) TransportSum() uint16 {
	switch p.Proto {
	case TCP:
		return uint16At(p.packet, p.transport+16)
	case UDP:
		return uint16At(p.packet, p.transport+6)
	case ICMP, ICMPv6:
		return uint16At(p.packet, p.transport+2)
	default:
		return 0
	}
}

// Detached returns p without its slices, so that it can be kept longer than the datagram.
func (p *Packet) Detached() (d Packet) {
	p.DetachTo(&d)
	return d
}

// DetachTo sets d to p without its slices. It copies p once.
func (p *Packet) DetachTo(d *Packet) {
	*d = *p
	d.Frame, d.Payload, d.packet, d.header, d.transport = nil, nil, nil, 0, 0
}
