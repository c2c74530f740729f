package policy

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"github.com/gaissmai/bart"

	"github.com/mirrorsink/mirrorsink/inspect/where"
)

// index finds the rules that have a destination. Its cost grows with the labels of a name, the networks around an address and the
// audiences of a workload, not with the number of rules.
type index struct {
	exact, below map[string]entries // by name
	services     map[string]entries
	networks     bart.Table[entries]
	private, any entries
}

// entry leads to a rule for an audience.
type entry struct{ audience, rule int32 }

// entries are ascending by audience, then by rule.
type entries []entry

func newIndex() *index {
	return &index{exact: map[string]entries{}, below: map[string]entries{}, services: map[string]entries{}}
}

// add makes a destination lead to a rule for an audience.
func (x *index) add(d *Destination, audience, rule int) {
	e := entry{int32(audience), int32(rule)}
	switch {
	case d.Any:
		x.any = x.any.with(e)
	case d.Private:
		x.private = x.private.with(e)
	case d.Service != "":
		x.services[d.Service] = x.services[d.Service].with(e)
	case d.Network.IsValid():
		x.networks.Modify(d.Network, func(l entries, _ bool) (entries, bool) { return l.with(e), false })
	default:
		if d.Apex {
			x.exact[d.Name] = x.exact[d.Name].with(e)
		}
		if d.Below {
			x.below[d.Name] = x.below[d.Name].with(e)
		}
	}
}

func compareEntries(a, b entry) int {
	return cmp.Or(cmp.Compare(a.audience, b.audience), cmp.Compare(a.rule, b.rule))
}

func (l entries) with(e entry) entries {
	at, found := slices.BinarySearchFunc(l, e, compareEntries)
	if found {
		return l
	}
	return slices.Insert(l, at, e)
}

// has reports whether there is an entry of a rule, whatever its audience.
func (l entries) has(rule int) bool {
	return slices.ContainsFunc(l, func(e entry) bool { return int(e.rule) == rule })
}

// question is what is asked of an index: rules for any of some audiences, for which fits is true.
type question struct {
	audiences []int32 // ascending
	fits      func(rule int) bool
}

// forEveryone asks for all rules for everyone.
var forEveryone = question{everyoneAlone, everyRule}

// everyRule accepts all rules.
func everyRule(int) bool { return true }

// first returns the lowest rule that answers a question and is below best; best if there is none. -1 stands for no rule.
func (l entries) first(best int, q question) int {
	if len(l) <= len(q.audiences) {
		for _, e := range l {
			if rule := int(e.rule); (best < 0 || rule < best) && in(q.audiences, e.audience) && q.fits(rule) {
				best = rule
			}
		}
		return best
	}
	for _, audience := range q.audiences {
		at, _ := slices.BinarySearchFunc(l, entry{audience, 0}, compareEntries)
		for ; at < len(l) && l[at].audience == audience && (best < 0 || int(l[at].rule) < best); at++ {
			if q.fits(int(l[at].rule)) {
				best = int(l[at].rule)
			}
		}
	}
	return best
}

func in(sorted []int32, value int32) bool {
	_, found := slices.BinarySearch(sorted, value)
	return found
}

// hasName reports whether any rule has a name, whoever it is for.
func (x *index) hasName(name string) bool {
	if len(x.exact[name]) > 0 {
		return true
	}
	for _, after, ok := strings.Cut(name, "."); ok; _, after, ok = strings.Cut(after, ".") {
		if len(x.below[after]) > 0 {
			return true
		}
	}
	return false
}

// byName returns the first rule that has a name; -1 if there is none.
func (x *index) byName(name string, q question) int {
	best := x.exact[name].first(-1, q)
	for _, after, ok := strings.Cut(name, "."); ok; _, after, ok = strings.Cut(after, ".") {
		best = x.below[after].first(best, q)
	}
	return best
}

// candidates returns the rules, ascending, that may have all that a destination has: those with a wider or an equal one.
func (x *index) candidates(d *Destination) []int32 {
	all := slices.Clone(x.any)
	switch {
	case d.Network.IsValid():
		for _, l := range x.networks.Supernets(d.Network) {
			all = append(all, l...)
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
	rules := make([]int32, len(all))
	for i, e := range all {
		rules[i] = e.rule
	}
	slices.Sort(rules)
	return slices.Compact(rules)
}

// byAddr returns the first rule that has an address by its network, its AWS service, or as a private one; -1 if there is none.
func (x *index) byAddr(a netip.Addr, service string, q question) int {
	best := x.any.first(-1, q)
	if !a.IsValid() {
		return best
	}
	a = a.Unmap()
	if x.networks.Size() > 0 {
		for _, l := range x.networks.Supernets(netip.PrefixFrom(a, a.BitLen())) {
			best = l.first(best, q)
		}
	}
	if service != "" {
		best = x.services[service].first(best, q)
		best = x.services[anyService].first(best, q)
	}
	if len(x.private) > 0 && where.Private(a) {
		best = x.private.first(best, q)
	}
	return best
}

// anyService is aws:ANY, every service of AWS: AMAZON of ip-ranges.json contains all of its ranges.
const anyService = "AMAZON"

// hasServices reports whether a rule that answers a question has any AWS service.
func (x *index) hasServices(q question) bool {
	for _, l := range x.services {
		if l.first(-1, q) >= 0 {
			return true
		}
	}
	return false
}
