package inspect

import (
	"encoding/binary"
	"math/bits"

	"github.com/mirrorsink/mirrorsink/inspect/flow"
)

// flowID returns the number that joins a flow's events. It depends on nothing but the mirror session, the addresses and
// ports, and the time of the first packet, so that a replay gives the same numbers again.
func (w *Worker) flowID(r *flow.Record) uint64 {
	const m1, m2, m3 = 0x9e3779b97f4a7c15, 0xbf58476d1ce4e5b9, 0x94d049bb133111eb
	k := &r.Key
	tap := &w.taps.list[k.Tap]
	u := binary.LittleEndian.Uint64
	h := uint64(0)
	for _, x := range [...]uint64{
		u(k.Lo[:]), u(k.Lo[8:]), u(k.Hi[:]), u(k.Hi[8:]), u(tap.source[:]), u(tap.source[8:]),
		uint64(k.LoPort) | uint64(k.HiPort)<<16 | uint64(tap.vni)<<32,
		uint64(k.Tunnel) | uint64(k.Proto)<<32 | uint64(k.Version)<<40,
		uint64(r.Start),
	} {
		hi, lo := bits.Mul64((h^x)+m1, m2)
		h = hi ^ lo
	}
	h = (h ^ h>>31) * m3
	return (h ^ h>>29) & (1<<51 - 1)
}
