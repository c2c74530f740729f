// Package checksum computes the Internet checksum (RFC 1071) of generated packets.
package checksum

import "encoding/binary"

// Sum adds up 16-bit words. The sum is not folded.
func Sum(b []byte) (s uint64) {
	for ; len(b) >= 4; b = b[4:] {
		s += uint64(binary.BigEndian.Uint32(b))
	}
	for i, v := range b {
		s += uint64(v) << (24 - 8*i)
	}
	return s
}

// Fold folds a sum to 16 bits. The checksum is its complement.
func Fold(s uint64) uint16 {
	for s > 0xffff {
		s = s>>16 + s&0xffff
	}
	return uint16(s)
}
