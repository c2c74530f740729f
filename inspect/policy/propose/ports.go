package propose

import (
	"cmp"
	"slices"
	"strings"

	"github.com/mirrorsink/mirrorsink/inspect/policy"
)

// portsOf returns the ranges that have exactly the ports: neighbours joined, and TCP and UDP together where both have the same. It is empty,
// which allows all, if a flow has no ports.
func portsOf(seen []port) []policy.Ports {
	var byProtocol [2][]uint16
	for _, p := range seen {
		switch p.protocol {
		case policy.TCP:
			byProtocol[0] = append(byProtocol[0], p.number)
		case policy.UDP:
			byProtocol[1] = append(byProtocol[1], p.number)
		default:
			return nil
		}
	}
	t, u := ranges(byProtocol[0]), ranges(byProtocol[1])
	var all []policy.Ports
	for _, r := range t {
		if slices.Contains(u, r) {
			all = append(all, r)
			continue
		}
		all = append(all, policy.Ports{Protocol: policy.TCP, From: r.From, To: r.To})
	}
	for _, r := range u {
		if !slices.Contains(t, r) {
			all = append(all, policy.Ports{Protocol: policy.UDP, From: r.From, To: r.To})
		}
	}
	slices.SortFunc(all, func(a, b policy.Ports) int {
		return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.Protocol, b.Protocol))
	})
	return all
}

func ranges(ports []uint16) (all []policy.Ports) {
	slices.Sort(ports)
	for _, p := range slices.Compact(ports) {
		if n := len(all); n > 0 && all[n-1].To+1 == p {
			all[n-1].To = p
			continue
		}
		all = append(all, policy.Ports{From: p, To: p})
	}
	return all
}

func portsText(ports []policy.Ports) string {
	texts := make([]string, len(ports))
	for i, p := range ports {
		texts[i] = p.String()
	}
	return strings.Join(texts, ", ")
}
