package dedup

import (
	"hash/maphash"

	"github.com/mirrorsink/mirrorsink/decap"
)

// headBytes is how much of the payload is compared. Both copies have it unless a mirror truncates packets within it. With the
// numbers of the headers it distinguishes all packets but those that are equal to the last byte, as a retransmission over IPv6
// may be.
const headBytes = 16

// identity has what both copies of a packet share and other packets do not. It has nothing that routers change: MAC addresses,
// the TTL, the traffic class and the checksums. It has no padding, so it is hashed as it lies in memory.
type identity struct {
	src, dst decap.Addr
	head     [headBytes]byte
	seq, ack uint32
	length   uint32 // of the payload, as the headers say
	tunnel   uint32
	ports    [2]uint16 // for ICMP the type with the code, and the identifier
	id       uint16
	proto    uint8
	flags    uint8
	known    uint32 // bytes of head, and above them a fragment's offset
}

// Identity returns a number that both copies of a packet share and that no other packet of the window has: with 64 bits, keyed
// at random, different packets of a window are not taken for copies. It is safe for concurrent use.
func (w *Window) Identity(p *decap.Packet) uint64 {
	i := identity{
		src: p.Src, dst: p.Dst, seq: p.Seq, ack: p.Ack, length: uint32(p.PayloadLen), tunnel: p.Tunnel,
		ports: [2]uint16{p.SrcPort, p.DstPort}, id: p.IPID(), proto: p.Proto, flags: p.TCPFlags,
	}
	if p.Proto == decap.ICMP || p.Proto == decap.ICMPv6 {
		i.ports = [2]uint16{uint16(p.ICMPType)<<8 | uint16(p.ICMPCode), p.ICMPID}
	}
	i.known = uint32(copy(i.head[:], p.Payload)) | uint32(p.FragOff)<<8
	return maphash.Comparable(w.seed, i)
}
