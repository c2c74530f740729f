package inspect

import (
	"encoding/binary"
	"math/bits"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/mirror"
)

// flowID returns the number that joins a flow's events. It depends on nothing but the mirror session, the addresses and
// ports, and the time of the first packet, so that a replay gives the same numbers again.
func flowID(k *decap.Key, session mirror.Session, start int64) uint64 {
	const m1, m2, m3 = 0x9e3779b97f4a7c15, 0xbf58476d1ce4e5b9, 0x94d049bb133111eb
	h := uint64(0)
	for _, x := range [...]uint64{
		uint64At(k.Lo[:]), uint64At(k.Lo[8:]), uint64At(k.Hi[:]), uint64At(k.Hi[8:]), uint64At(session.Outer[:]), uint64At(session.Outer[8:]),
		uint64(k.LoPort) | uint64(k.HiPort)<<16 | uint64(session.VNI)<<32,
		uint64(k.Tunnel) | uint64(k.Proto)<<32 | uint64(k.Version)<<40,
		uint64(start),
	} {
		hi, lo := bits.Mul64((h^x)+m1, m2)
		h = hi ^ lo
	}
	h = (h ^ h>>31) * m3
	return (h ^ h>>29) & (1<<51 - 1)
}

func uint64At(b []byte) uint64 { return binary.LittleEndian.Uint64(b) }
