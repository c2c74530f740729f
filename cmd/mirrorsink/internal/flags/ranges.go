package flags

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/mirrorsink/mirrorsink/decap"
)

// VNI is a flag for one VXLAN network identifier.
type VNI uint32

// Set takes a number.
func (v *VNI) Set(text string) error {
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil || n > decap.MaxVNI {
		return fmt.Errorf("want a VNI from 0 to %d", decap.MaxVNI)
	}
	*v = VNI(n)
	return nil
}

// String returns the number.
func (v *VNI) String() string { return strconv.FormatUint(uint64(*v), 10) }

// Type implements pflag.Value.
func (*VNI) Type() string { return "vni" }

// VNIs is a repeatable flag for VNIs and ranges of them: N or A-B, several with commas between.
type VNIs []decap.VNIRange

// Replace empties the list and adds values.
func (r *VNIs) Replace(texts []string) error {
	*r = nil
	return appendAll(r, texts)
}

// Append adds one value.
func (r *VNIs) Append(text string) error {
	first, last, ok := numberRange(text, decap.MaxVNI)
	if !ok {
		return fmt.Errorf("want a VNI or a range of them such as 7-19, up to %d", decap.MaxVNI)
	}
	*r = append(*r, decap.VNIRange{First: first, Last: last})
	return nil
}

// numberRange reads N, which is a range of one, or A-B, both of at most a number.
func numberRange(text string, most uint32) (first, last uint32, ok bool) {
	from, to, isRange := strings.Cut(text, "-")
	if !isRange {
		to = from
	}
	a, errA := strconv.ParseUint(from, 10, 32)
	b, errB := strconv.ParseUint(to, 10, 32)
	return uint32(a), uint32(b), errA == nil && errB == nil && a <= b && b <= uint64(most)
}

// Set adds values.
func (r *VNIs) Set(text string) error { return appendAll(r, strings.Split(text, ",")) }

// String returns the ranges as Set takes them.
func (r *VNIs) String() string {
	return Join(*r, func(v decap.VNIRange) string {
		if v.First == v.Last {
			return strconv.FormatUint(uint64(v.First), 10)
		}
		return fmt.Sprintf("%d-%d", v.First, v.Last)
	})
}

// Type implements pflag.Value.
func (*VNIs) Type() string { return "vnis" }

// Prefixes is a repeatable flag for addresses and networks, several with commas between.
type Prefixes []netip.Prefix

// Replace empties the list and adds values.
func (p *Prefixes) Replace(texts []string) error {
	*p = nil
	return appendAll(p, texts)
}

// Append adds one value.
func (p *Prefixes) Append(text string) error {
	if addr, err := netip.ParseAddr(text); err == nil && addr.Zone() == "" {
		*p = append(*p, netip.PrefixFrom(addr, addr.BitLen()))
		return nil
	}
	prefix, err := netip.ParsePrefix(text)
	if err != nil {
		return errors.New("want an address or a network such as 10.0.0.0/16")
	}
	*p = append(*p, prefix)
	return nil
}

// Set adds values.
func (p *Prefixes) Set(text string) error { return appendAll(p, strings.Split(text, ",")) }

// String returns the networks as Set takes them.
func (p *Prefixes) String() string { return Join(*p, netip.Prefix.String) }

// Type implements pflag.Value.
func (*Prefixes) Type() string { return "cidrs" }

// appendAll adds values. An error names its value if there are several.
func appendAll(to List, texts []string) error {
	for _, text := range texts {
		text = strings.TrimSpace(text)
		if err := to.Append(text); err != nil && len(texts) > 1 {
			return fmt.Errorf("%q: %w", text, err)
		} else if err != nil {
			return err
		}
	}
	return nil
}

func Join[T any](list []T, text func(T) string) string {
	parts := make([]string, len(list))
	for i, v := range list {
		parts[i] = text(v)
	}
	return strings.Join(parts, ",")
}
