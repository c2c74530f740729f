package dedup

import (
	"encoding/binary"
	"math/bits"

	"github.com/mirrorsink/mirrorsink/decap"
)

// mirrored is the set of addresses whose packets are mirrored, with a bit for the hash of each: 8 KiB, which stay in the cache.
// Two addresses may share a bit; then copies wait for partners that never come, and nothing else happens.
type mirrored [mirroredBits / 64]uint64

// mirroredBits is six times the 10,000 mirror sessions that an account may have.
const mirroredBits = 1 << 16

func (m *mirrored) add(a *decap.Addr) {
	bit := bitOf(a)
	m[bit/64] |= 1 << (bit % 64)
}

func (m *mirrored) has(a *decap.Addr) bool {
	bit := bitOf(a)
	return m[bit/64]>>(bit%64)&1 != 0
}

// bitOf is the same in every process, since the copies that are reported as unmatched depend on it.
func bitOf(a *decap.Addr) uint64 {
	const m1, m2 = 0xa0761d6478bd642f, 0xe7037ed1a0b428db
	hi, lo := bits.Mul64(binary.LittleEndian.Uint64(a[:8])^m1, binary.LittleEndian.Uint64(a[8:])^m2)
	return (hi ^ lo) % mirroredBits
}
