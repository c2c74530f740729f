package decap

import (
	"net/netip"
	"slices"

	"github.com/gaissmai/bart"
)

// A VNIRange is a range of VXLAN network identifiers, both ends included.
type VNIRange struct{ First, Last uint32 }

// Allow is a list of the mirror sessions to accept, by the mirrored interface's address and by VNI. It is immutable, so
// it may be used concurrently.
type Allow struct {
	sources *bart.Lite // nil: every source
	vnis    []VNIRange // sorted, without overlaps; empty: every VNI
}

// NewAllow makes an allow-list. An empty list of sources allows every source, an empty list of ranges every VNI. The
// arguments are not kept. A range whose ends are swapped is empty.
func NewAllow(sources []netip.Prefix, vnis []VNIRange) *Allow {
	a := &Allow{vnis: mergeRanges(vnis)}
	if len(sources) > 0 {
		a.sources = new(bart.Lite)
	}
	for _, pfx := range sources {
		a.sources.Insert(unmapPrefix(pfx))
	}
	return a
}

// check returns OK, SourceRefused or VNIRefused.
func (a *Allow) check(source netip.Addr, vni uint32) Reason {
	switch {
	case a.sources != nil && !a.sources.Lookup(source):
		return SourceRefused
	case len(a.vnis) > 0 && !a.hasVNI(vni):
		return VNIRefused
	default:
		return OK
	}
}

func (a *Allow) hasVNI(vni uint32) bool {
	_, found := slices.BinarySearchFunc(a.vnis, vni, func(r VNIRange, vni uint32) int {
		switch {
		case r.Last < vni:
			return -1
		case r.First > vni:
			return 1
		default:
			return 0
		}
	})
	return found
}

// mergeRanges returns the ranges sorted and joined where they overlap. It is never empty for a list that is not, so that
// a list of empty ranges allows nothing rather than everything.
func mergeRanges(vnis []VNIRange) []VNIRange {
	sorted := slices.Clone(vnis)
	slices.SortFunc(sorted, func(a, b VNIRange) int { return int(int64(a.First) - int64(b.First)) })
	var merged []VNIRange
	for _, r := range sorted {
		if r.First > r.Last {
			continue
		}
		if n := len(merged); n > 0 && r.First <= merged[n-1].Last {
			merged[n-1].Last = max(merged[n-1].Last, r.Last)
			continue
		}
		merged = append(merged, r)
	}
	if len(merged) == 0 && len(vnis) > 0 {
		return []VNIRange{{First: 1, Last: 0}}
	}
	return merged
}

// unmapPrefix turns a prefix of IPv4-mapped addresses into one of IPv4, since sources are compared unmapped.
func unmapPrefix(pfx netip.Prefix) netip.Prefix {
	if pfx.Addr().Is4In6() && pfx.Bits() >= 96 {
		return netip.PrefixFrom(pfx.Addr().Unmap(), pfx.Bits()-96).Masked()
	}
	return pfx.Masked()
}
