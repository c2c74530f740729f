package decap

import (
	"encoding/binary"
	"math/bits"
)

// VerifyChecksums checks the innermost IPv4 header's checksum, and that of TCP, UDP, ICMP or ICMPv6 if the whole packet
// was captured and is no fragment. It sets BadChecksum, and returns it. UDP over IPv4 without a checksum passes, as does
// every transport without one that is known.
//
// It is apart from Parse since it reads the whole payload, which nothing else on the way does.
func (p *Packet) VerifyChecksums() bool {
	whole := !p.Truncated && !p.MoreFrags && p.FragOff == 0 && p.packet != nil
	p.BadChecksum = !p.headerOK() || whole && !p.segmentOK()
	return p.BadChecksum
}

// headerOK checks the IPv4 header's checksum, if the header is there.
func (p *Packet) headerOK() bool {
	return p.header == 0 || fold16(sum(p.packet[:p.header])) == 0xffff
}

// segmentOK checks the transport's checksum, if it has one. All that it covers was captured.
func (p *Packet) segmentOK() bool {
	s := p.packet[p.transport:]
	switch p.Proto {
	case TCP:
		return len(s) < tcpLen || p.sumOK(s)
	case UDP:
		return len(s) < udpLen || p.Version == 4 && s[6]|s[7] == 0 || p.sumOK(udpOf(s))
	case ICMP:
		return len(s) < icmpLen || fold16(sum(s)) == 0xffff
	case ICMPv6:
		return len(s) < icmpLen || p.Version != 6 || p.sumOK(s)
	default:
		return true
	}
}

// udpOf ends a UDP packet where its length says; a length that cannot be says nothing.
func udpOf(s []byte) []byte {
	if n := int(binary.BigEndian.Uint16(s[4:])); n >= udpLen && n < len(s) {
		return s[:n]
	}
	return s
}

// sumOK checks the checksum over a segment and its pseudo header.
func (p *Packet) sumOK(s []byte) bool { return fold16(add(sum(s), p.pseudoHeader(len(s)))) == 0xffff }

// pseudoHeader returns the sum over what the checksums of TCP, UDP and ICMPv6 cover beside their segment of n bytes:
// addresses, protocol and length (RFC 9293 section 3.1, RFC 8200 section 8.1).
func (p *Packet) pseudoHeader(n int) uint64 {
	src, dst := p.Src[:], p.Dst[:]
	if p.Version == 4 {
		src, dst = src[12:], dst[12:]
	}
	return add(add(sum(src), sum(dst)), uint64(p.Proto)+uint64(n))
}

// sum returns the ones' complement sum of b in big-endian words of 64 bits, which RFC 1071 shows to be as good as 16: all
// that counts is that each byte is in an even or an odd place. An odd last byte is padded with zero. Long runs are summed
// in halves of words, which need no carry for 4 billion words and so do not wait for one another.
func sum(b []byte) uint64 {
	var s, carry, high, low uint64
	for len(b) >= 32 {
		v0, v1 := binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])
		v2, v3 := binary.BigEndian.Uint64(b[16:]), binary.BigEndian.Uint64(b[24:])
		high += v0>>32 + v1>>32 + (v2>>32 + v3>>32)
		low += v0&halfWord + v1&halfWord + (v2&halfWord + v3&halfWord)
		b = b[32:]
	}
	s, carry = bits.Add64(high, low, 0)
	for len(b) >= 8 {
		s, carry = bits.Add64(s, binary.BigEndian.Uint64(b), carry)
		b = b[8:]
	}
	var last uint64
	if len(b) >= 4 {
		last += uint64(binary.BigEndian.Uint32(b))
		b = b[4:]
	}
	if len(b) >= 2 {
		last += uint64(binary.BigEndian.Uint16(b))
		b = b[2:]
	}
	if len(b) > 0 {
		last += uint64(b[0]) << 8
	}
	s, carry = bits.Add64(s, last, carry)
	return add(s, carry)
}

const halfWord = 1<<32 - 1

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
