package pair

import (
	"encoding/binary"
	"math/bits"

	"github.com/mirrorsink/mirrorsink/decap"
)

// ends are the addresses whose packets are mirrored, a bit for the hash of each: 8 KiB, which stay in the cache. Two
// addresses may share a bit; then copies wait in vain, and nothing else happens.
type ends [endBits / 64]uint64

// endBits is six times the 10,000 mirror sessions that an account may have.
const endBits = 1 << 16

func (e *ends) add(a *decap.Addr) {
	bit := place(a)
	e[bit/64] |= 1 << (bit % 64)
}

func (e *ends) has(a *decap.Addr) bool {
	bit := place(a)
	return e[bit/64]>>(bit%64)&1 != 0
}

// place is the same in every process, since which copies are told as alone depends on it.
func place(a *decap.Addr) uint64 {
	const m1, m2 = 0xa0761d6478bd642f, 0xe7037ed1a0b428db
	hi, lo := bits.Mul64(binary.LittleEndian.Uint64(a[:8])^m1, binary.LittleEndian.Uint64(a[8:])^m2)
	return (hi ^ lo) % endBits
}
