package policy

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/gaissmai/bart"

	"github.com/mirrorsink/mirrorsink/inspect/where"
)

// index finds the rules that have a destination. Its cost grows with the labels of a name and the networks around an address, not with
// the number of rules.
type index struct {
	exact, below map[string][]int // rules by name, ascending
	services     map[string][]int
	networks     bart.Table[[]int]
	private, any []int
}

func newIndex() *index {
	return &index{exact: map[string][]int{}, below: map[string][]int{}, services: map[string][]int{}}
}

// add makes a destination lead to a rule. Rules are added in their order.
func (x *index) add(d *Destination, rule int) {
	switch {
	case d.Any:
		x.any = include(x.any, rule)
	case d.Private:
		x.private = include(x.private, rule)
	case d.Service != "":
		x.services[d.Service] = include(x.services[d.Service], rule)
	case d.Network.IsValid():
		x.networks.Modify(d.Network, func(rules []int, _ bool) ([]int, bool) { return include(rules, rule), false })
	default:
		if d.Apex {
			x.exact[d.Name] = include(x.exact[d.Name], rule)
		}
		if d.Below {
			x.below[d.Name] = include(x.below[d.Name], rule)
		}
	}
}

func include(rules []int, rule int) []int {
	if n := len(rules); n > 0 && rules[n-1] == rule {
		return rules
	}
	return append(rules, rule)
}

// first returns the lowest of the rules for which fits is true; -1 if there is none.
func first(best int, rules []int, fits func(int) bool) int {
	for _, r := range rules {
		if best >= 0 && r >= best {
			break
		}
		if fits(r) {
			return r
		}
	}
	return best
}

// byName returns the first fitting rule that has a name; -1 if there is none.
func (x *index) byName(name string, fits func(int) bool) int {
	best := first(-1, x.exact[name], fits)
	for rest := name; ; {
		_, after, ok := strings.Cut(rest, ".")
		if !ok {
			return best
		}
		best = first(best, x.below[after], fits)
		rest = after
	}
}

// candidates returns the rules, ascending, that may have all that a destination has: those with a wider or an equal one.
func (x *index) candidates(d *Destination) []int {
	all := slices.Clone(x.any)
	switch {
	case d.Network.IsValid():
		for _, rules := range x.networks.Supernets(d.Network) {
			all = append(all, rules...)
		}
	case d.Service != "":
		all = append(all, x.services[d.Service]...)
	case d.Private:
		all = append(all, x.private...)
	case d.Name != "":
		all = append(all, x.exact[d.Name]...)
		for rest, ok := d.Name, true; ok; _, rest, ok = strings.Cut(rest, ".") {
			all = append(all, x.below[rest]...)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// byAddr returns the first fitting rule that has an address by its network, its AWS service, or as a private one.
func (x *index) byAddr(a netip.Addr, service string, fits func(int) bool) int {
	best := first(-1, x.any, fits)
	if !a.IsValid() {
		return best
	}
	a = a.Unmap()
	for _, rules := range x.networks.Supernets(netip.PrefixFrom(a, a.BitLen())) {
		best = first(best, rules, fits)
	}
	if service != "" {
		best = first(best, x.services[service], fits)
		best = first(best, x.services[anyService], fits)
	}
	if where.Private(a) {
		best = first(best, x.private, fits)
	}
	return best
}

// anyService is aws:ANY, every service of AWS: AMAZON of ip-ranges.json contains all of its ranges.
const anyService = "AMAZON"

// hasServices reports whether a fitting rule has any AWS service.
func (x *index) hasServices(fits func(int) bool) bool {
	for _, rules := range x.services {
		if slices.ContainsFunc(rules, fits) {
			return true
		}
	}
	return false
}
