package doctor

import "net/netip"

// covered reports whether every address of a network is in one of the others.
func covered(p netip.Prefix, by []netip.Prefix) bool {
	inside := false
	for _, b := range by {
		if b.Bits() <= p.Bits() && b.Contains(p.Addr()) {
			return true
		}
		inside = inside || p.Overlaps(b)
	}
	if !inside {
		return false
	}
	low, high := halves(p)
	return covered(low, by) && covered(high, by)
}

// halves splits a network of more than one address in two.
func halves(p netip.Prefix) (low, high netip.Prefix) {
	bytes := p.Masked().Addr().AsSlice()
	bytes[p.Bits()/8] |= 0x80 >> (p.Bits() % 8)
	upper, _ := netip.AddrFromSlice(bytes) // the length is unchanged
	return netip.PrefixFrom(p.Masked().Addr(), p.Bits()+1), netip.PrefixFrom(upper, p.Bits()+1)
}
