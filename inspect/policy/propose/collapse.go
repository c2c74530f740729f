package propose

import (
	"slices"
	"strings"

	"github.com/mirrorsink/mirrorsink/inspect/policy"
)

// collapse replaces the names of a workload below one domain with one owner by a wildcard, if they are enough. The wildcard is as narrow as the
// names permit: *.cdn.example.com rather than *.example.com.
func collapse(targets []*target, cfg Config) []*target {
	type domain struct{ workload, name string }
	below := map[domain][]*target{}
	var result []*target
	for _, t := range targets {
		d := policy.OwnDomain(t.To)
		if cfg.Collapse == 0 || d == "" {
			result = append(result, t)
			continue
		}
		k := domain{t.Workload, d}
		below[k] = append(below[k], t)
	}
	for k, list := range below {
		if len(list) < cfg.Collapse {
			result = append(result, list...)
			continue
		}
		result = append(result, joinBelow(list, k.name))
	}
	return result
}

// joinBelow makes one destination of names below a domain.
func joinBelow(list []*target, domain string) *target {
	base := common(list, domain)
	all := &target{Entry: Entry{To: "*." + base, Observation: list[0].Observation}}
	all.Bytes, all.Flows, all.Accesses, all.Days = 0, 0, 0, 0
	for _, t := range list {
		if t.To == base {
			all.To = "." + base
		}
		all.Names += t.Names
		all.add(&t.Observation)
		all.ports = append(all.ports, t.ports...)
	}
	return all
}

// common returns the longest domain that all names are or are below, at least that of the owner.
func common(list []*target, domain string) string {
	base := labels(list[0].To)
	for _, t := range list[1:] {
		base = base[:commonPrefix(base, labels(t.To))]
	}
	if n := len(labels(domain)); len(base) < n {
		return domain
	}
	slices.Reverse(base)
	return strings.Join(base, ".")
}

// labels returns the labels of a name, the top level first.
func labels(name string) []string {
	l := strings.Split(name, ".")
	slices.Reverse(l)
	return l
}

func commonPrefix(a, b []string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}
