// Package propose derives an allow list from observed flows: the smallest list for each workload that covers what was seen. Names are
// collapsed to wildcards only below a registered domain, never at a public suffix or at a host that many customers share.
package propose

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"

	"github.com/mirrorsink/mirrorsink/inspect/policy"
)

// Observation is what was seen of the flows of a workload to one destination and port.
type Observation struct {
	Workload string // "" for sources of no workload
	To       string // a canonical name, or an address
	By       policy.Evidence
	Protocol uint8
	Port     uint16
	Bytes    uint64 // that the workload sent
	Flows    uint64
	First    int64 // Unix seconds
	Last     int64
	Days     int    // 1 if it was seen on one day only
	Accesses uint64 // lookups or accesses that others have counted, of unknown bytes
}

// DaysOf returns the Days of an Observation that was first and last seen at two times, Unix seconds.
func DaysOf(first, last int64) int {
	const day = 24 * 60 * 60
	if first/day != last/day {
		return 2
	}
	return 1
}

// Config is how lists are made.
type Config struct {
	// Collapse is how many names below one domain become a wildcard. 0 keeps every name.
	Collapse int
	// Rare is the number of flows below which a destination is set apart for review, if it was seen on one day only.
	Rare uint64
}

// Defaults of Config.
var Defaults = Config{Collapse: 3, Rare: 3}

// Entry is one destination of a proposed rule, with what it covers.
type Entry struct {
	To    string // as a policy has it
	Names int    // observed names that it covers; 1 unless it is a wildcard
	Observation
}

// Rule is a proposed rule: destinations of a workload on the same ports.
type Rule struct {
	Workload string
	Ports    []policy.Ports
	Review   bool // destinations that a person should look at: rare ones, and addresses that no name explains
	Entries  []Entry
}

// Rules returns the rules of a list that allows all observations, and nothing that Decide would not need for them but the names below
// wildcards. The result does not depend on the order of the observations.
func Rules(seen []Observation, cfg Config) []Rule {
	var all Seen
	for i := range seen {
		all.Add(&seen[i])
	}
	return all.Rules(cfg)
}

// Rules returns the rules of all observations so far.
func (s *Seen) Rules(cfg Config) []Rule {
	type group struct {
		workload string
		ports    string
		review   bool
	}
	groups := map[group]*Rule{}
	for _, e := range collapse(s.sorted(), cfg) {
		ports := portsOf(e.ports)
		g := group{e.Workload, portsText(ports), e.review(cfg)}
		if groups[g] == nil {
			groups[g] = &Rule{Workload: e.Workload, Ports: ports, Review: g.review}
		}
		groups[g].Entries = append(groups[g].Entries, e.Entry)
	}
	rules := make([]Rule, 0, len(groups))
	for _, r := range groups {
		slices.SortFunc(r.Entries, func(a, b Entry) int { return cmp.Compare(a.To, b.To) })
		rules = append(rules, *r)
	}
	slices.SortFunc(rules, func(a, b Rule) int {
		return cmp.Or(cmp.Compare(a.Workload, b.Workload), compareBool(a.Review, b.Review), cmp.Compare(portsText(a.Ports), portsText(b.Ports)))
	})
	return rules
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	default:
		return 1
	}
}

// target is a destination of a workload, on all of its ports.
type target struct {
	Entry
	ports []port
	timed bool // First and Last are known
}

type port struct {
	protocol uint8
	number   uint16
}

// review reports whether a person should look at a destination.
func (t *target) review(cfg Config) bool {
	return isAddress(t.To) || t.Flows+t.Accesses < cfg.Rare && t.Days <= 1
}

func isAddress(text string) bool {
	_, err := netip.ParseAddr(text)
	return err == nil
}

// Seen is what was observed, joined by workload and destination. Its zero value has nothing.
type Seen struct{ targets map[key]*target }

type key struct{ workload, to string }

// Add adds an observation.
func (s *Seen) Add(o *Observation) {
	if s.targets == nil {
		s.targets = map[key]*target{}
	}
	k := key{o.Workload, o.To}
	t := s.targets[k]
	if t == nil {
		t = &target{Entry: Entry{To: o.To, Names: 1, Observation: *o}}
		t.Bytes, t.Flows, t.Accesses, t.Days = 0, 0, 0, 0
		s.targets[k] = t
	}
	t.add(o)
	if o.Protocol != 0 || o.Flows > 0 { // a lookup says nothing of ports
		t.ports = append(t.ports, port{o.Protocol, o.Port})
	}
}

// sorted returns the destinations by workload and name.
func (s *Seen) sorted() []*target {
	return slices.SortedFunc(maps.Values(s.targets), func(a, b *target) int {
		return cmp.Or(cmp.Compare(a.Workload, b.Workload), cmp.Compare(a.To, b.To))
	})
}

// add counts an observation for a destination.
func (t *target) add(o *Observation) {
	t.Bytes += o.Bytes
	t.Flows += o.Flows
	t.Accesses += o.Accesses
	t.By = min(t.By, o.By) // the strongest evidence
	t.Days = max(t.Days, o.Days)
	switch {
	case o.Accesses > 0 && o.Last == 0: // nobody said when
	case t.timed:
		t.First, t.Last = min(t.First, o.First), max(t.Last, o.Last)
	default:
		t.First, t.Last, t.timed = o.First, o.Last, true
	}
}
