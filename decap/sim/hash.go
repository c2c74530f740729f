package sim

import (
	"encoding/binary"
	"math/bits"
	"net/netip"
)

// hash spreads flows over the outer source ports, in 7 bits: by addresses, protocol and ports where there are ports, else
// by addresses and protocol. Both directions of a flow have the same hash, and so have all fragments of a packet, since
// only one of them has the ports. AWS's own function is not known; of its results, only the range and the symmetry are.
// It documents five fields for ICMP too, without saying which, so ICMP goes by three here.
func (h *headers) hash() uint16 {
	var sport, dport uint16
	if h.ports && !h.fragment {
		sport, dport = h.sport, h.dport
	}
	sum := endpointHash(h.src, sport) + endpointHash(h.dst, dport) + uint64(h.proto)
	return uint16(mix(sum, 0x9e3779b97f4a7c15) >> 57)
}

func endpointHash(a netip.Addr, port uint16) uint64 {
	b := a.As16()
	hi, lo := binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])
	return mix(hi^0xa0761d6478bd642f, lo^0xe7037ed1a0b428db^uint64(port)<<48)
}

// mix folds a 128-bit product: each bit of the arguments reaches all bits of the result.
func mix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}
