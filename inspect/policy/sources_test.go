package policy

import (
	"net/netip"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

var drawSelector = rapid.Custom(func(t *rapid.T) (s Selector) {
	list := func(name string, to *[]string) {
		if rapid.IntRange(0, 3).Draw(t, name+"?") == 0 {
			*to = rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "b", "c"}), 1, 2, rapid.ID[string]).Draw(t, name)
		}
	}
	list("instances", &s.Instances)
	list("interfaces", &s.Interfaces)
	list("groups", &s.Groups)
	list("subnets", &s.Subnets)
	list("vpcs", &s.VPCs)
	list("accounts", &s.Accounts)
	if rapid.IntRange(0, 3).Draw(t, "tags?") == 0 {
		s.Tags = rapid.MapOfN(rapid.SampledFrom([]string{"k", "l"}), rapid.SampledFrom([]string{"", "v", "w"}), 1, 2).Draw(t, "tags")
	}
	if rapid.IntRange(0, 3).Draw(t, "vnis?") == 0 {
		s.VNIs = rapid.SliceOfN(rapid.Uint32Range(0, 2), 1, 2).Draw(t, "vnis")
	}
	for _, text := range rapid.SliceOfN(rapid.SampledFrom([]string{"10.0.0.0/8", "10.1.0.0/16", "0.0.0.0/0", "::/0", "2001:db8::/32"}), 0, 2).Draw(t, "networks") {
		s.Networks = append(s.Networks, netip.MustParsePrefix(text))
	}
	return s
})

var drawSource = rapid.Custom(func(t *rapid.T) (s Source) {
	for _, to := range []*string{&s.Instance, &s.Interface, &s.Group, &s.Subnet, &s.VPC, &s.Account} {
		*to = rapid.SampledFrom([]string{"", "a", "b", "d"}).Draw(t, "value")
	}
	if rapid.Bool().Draw(t, "tags?") {
		s.Tags = rapid.MapOf(rapid.SampledFrom([]string{"k", "l", "m"}), rapid.SampledFrom([]string{"", "v", "w"})).Draw(t, "tags")
	}
	s.Mirrored = rapid.Bool().Draw(t, "mirrored")
	s.VNI = rapid.Uint32Range(0, 3).Draw(t, "vni")
	if text := rapid.SampledFrom([]string{"", "10.1.2.3", "10.2.3.4", "::ffff:10.1.2.3", "192.0.2.1", "2001:db8::1", "fe80::1%eth0"}).Draw(t, "addr"); text != "" {
		s.Addr = netip.MustParseAddr(text)
	}
	s.Workload = rapid.SampledFrom([]string{"", "0", "3", "x"}).Draw(t, "workload")
	return s
})

// TestSourceIndex: the workload of a source is that of a look at all of them in their order.
func TestSourceIndex(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := &Policy{}
		for i, s := range rapid.SliceOfN(drawSelector, 0, 40).Draw(t, "selectors") {
			p.Workloads = append(p.Workloads, Workload{Name: strconv.Itoa(i), Selector: s})
		}
		p.sources = newSourceIndex(p.Workloads)
		for range 4 {
			src := drawSource.Draw(t, "source")
			want, known := -1, true
			first := slices.IndexFunc(p.Workloads, func(w Workload) bool { return w.Selector.match(&src) != no })
			if first >= 0 && p.Workloads[first].Selector.match(&src) == yes {
				want = first
			} else if first >= 0 {
				want = slices.IndexFunc(p.Workloads, func(w Workload) bool { return w.Name == src.Workload })
				known = want >= 0
			}
			got, ok := p.workload(&src)
			require.Equal(t, want, got, "%+v", src)
			require.Equal(t, known, ok, "%+v", src)
		}
	})
}
