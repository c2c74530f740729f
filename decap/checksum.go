package decap

import (
	"encoding/binary"
	"math/bits"
)

// VerifyChecksums checks the innermost IPv4 header's checksum, and that of TCP, UDP, ICMP or ICMPv6 if the whole packet
// was captured and is not a fragment. It sets BadChecksum, and returns it. UDP over IPv4 without a checksum passes, as does
// every transport without a known checksum.
//
// Parse does not call it, since it reads the whole payload.
func (p *Packet) VerifyChecksums() bool {
	p.BadChecksum = !p.headerOK() || p.Complete() && !p.segmentOK()
	return p.BadChecksum
}

// VerifyHeader checks the innermost IPv4 header's checksum alone. It sets BadChecksum.
func (p *Packet) VerifyHeader() { p.BadChecksum = !p.headerOK() }

// Complete reports whether all bytes of the innermost packet were captured and it is not a fragment, so that its checksum can be verified.
func (p *Packet) Complete() bool {
	return !p.Truncated && !p.MoreFrags && p.FragOff == 0 && p.packet != nil
}

// headerOK checks the IPv4 header's checksum, if the header is there.
func (p *Packet) headerOK() bool {
	return p.header == 0 || fold16(sum(p.packet[:p.header])) == 0xffff
}

// segmentOK checks the transport's checksum, if it has one. All bytes that it covers were captured.
func (p *Packet) segmentOK() bool {
	s := p.packet[p.transport:]
	switch p.Proto {
	case TCP:
		return len(s) < TCPLen || p.sumOK(s)
	case UDP:
		return len(s) < UDPLen || p.Version == 4 && s[6]|s[7] == 0 || p.sumOK(udpOf(s))
	case ICMP:
		return len(s) < icmpLen || fold16(sum(s)) == 0xffff
	case ICMPv6:
		return len(s) < icmpLen || p.Version != 6 || p.sumOK(s)
	default:
		return true
	}
}

// udpOf ends a UDP packet where its length says. It ignores an invalid length.
func udpOf(s []byte) []byte {
	if n := int(binary.BigEndian.Uint16(s[4:])); n >= UDPLen && n < len(s) {
		return s[:n]
	}
	return s
}

// sumOK checks the checksum over a segment and its pseudo header.
func (p *Packet) sumOK(s []byte) bool { return fold16(add(sum(s), p.pseudoHeader(len(s)))) == 0xffff }

// pseudoHeader returns the sum over what the checksums of TCP, UDP and ICMPv6 cover besides their segment of n bytes:
// addresses, protocol and length (RFC 9293 section 3.1, RFC 8200 section 8.1).
func (p *Packet) pseudoHeader(n int) uint64 {
	src, dst := p.Src[:], p.Dst[:]
	if p.Version == 4 {
		src, dst = src[12:], dst[12:]
	}
	return add(add(sum(src), sum(dst)), uint64(p.Proto)+uint64(n))
}

// sum returns the ones' complement sum of b in big-endian words of 64 bits, which is equivalent to 16 bits (RFC 1071):
// only whether a byte has an even or an odd offset matters. So it adds words in little-endian order and swaps the bytes of the sum.
// An odd last byte is padded with zero.
func sum(b []byte) uint64 {
	var s, carry uint64
	for len(b) >= 64 { // one chain of carries, which the compiler keeps in the processor's flag
		s, carry = bits.Add64(s, binary.LittleEndian.Uint64(b), 0)
		s, carry = bits.Add64(s, binary.LittleEndian.Uint64(b[8:]), carry)
		s, carry = bits.Add64(s, binary.LittleEndian.Uint64(b[16:]), carry)
		s, carry = bits.Add64(s, binary.LittleEndian.Uint64(b[24:]), carry)
		s, carry = bits.Add64(s, binary.LittleEndian.Uint64(b[32:]), carry)
		s, carry = bits.Add64(s, binary.LittleEndian.Uint64(b[40:]), carry)
		s, carry = bits.Add64(s, binary.LittleEndian.Uint64(b[48:]), carry)
		s, carry = bits.Add64(s, binary.LittleEndian.Uint64(b[56:]), carry)
		s += carry // a sum of all ones has none
		b = b[64:]
	}
	for len(b) >= 8 {
		s = add(s, binary.LittleEndian.Uint64(b))
		b = b[8:]
	}
	return bits.ReverseBytes64(add(s, tail(b)))
}

// tail returns the sum of less than 8 bytes, in little-endian words.
func tail(b []byte) (s uint64) {
	if len(b) >= 4 {
		s += uint64(binary.LittleEndian.Uint32(b))
		b = b[4:]
	}
	if len(b) >= 2 {
		s += uint64(binary.LittleEndian.Uint16(b))
		b = b[2:]
	}
	if len(b) > 0 {
		s += uint64(b[0])
	}
	return s
}

// add adds two ones' complement sums.
func add(a, b uint64) uint64 {
	s, carry := bits.Add64(a, b, 0)
	return s + carry
}

// fold16 folds a sum of 64 bits into 16. Bytes that hold a right checksum of their own give 0xffff.
func fold16(s uint64) uint16 {
	s = s>>32 + s&0xffffffff
	s = s>>16 + s&0xffff
	s = s>>16 + s&0xffff
	return uint16(s>>16 + s&0xffff)
}
