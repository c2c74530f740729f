package policy

import (
	"net/netip"
	"reflect"
	"slices"
)

// Selector is a condition on a source. It must have one value of each list and all tags; an empty list is no condition.
type Selector struct {
	Tags       map[string]string
	Instances  []string
	Interfaces []string
	Groups     []string // Auto Scaling groups, by name
	Subnets    []string
	VPCs       []string
	Accounts   []string
	Networks   []netip.Prefix
	VNIs       []uint32
}

// match is the result of a selector: with too little known of a source it is unknown.
type match uint8

const (
	no match = iota
	unknown
	yes
)

// and returns the conjunction of two results.
func (m match) and(o match) match { return min(m, o) }

// match evaluates the selector. A part of the source that is not known makes the result unknown, unless another part excludes it.
func (s *Selector) match(src *Source) match {
	result := s.matchNetwork(src).and(s.matchVNI(src)).and(s.matchTags(src))
	if result == no || len(s.Instances)+len(s.Interfaces)+len(s.Groups)+len(s.Subnets)+len(s.VPCs)+len(s.Accounts) == 0 {
		return result
	}
	return result.and(oneOf(s.Instances, src.Instance)).and(oneOf(s.Interfaces, src.Interface)).and(oneOf(s.Groups, src.Group)).
		and(oneOf(s.Subnets, src.Subnet)).and(oneOf(s.VPCs, src.VPC)).and(oneOf(s.Accounts, src.Account))
}

func oneOf(list []string, value string) match {
	switch {
	case len(list) == 0 || slices.Contains(list, value):
		return yes
	case value == "":
		return unknown
	default:
		return no
	}
}

func (s *Selector) matchTags(src *Source) match {
	for k, v := range s.Tags {
		if src.Tags == nil {
			return unknown
		}
		if got, ok := src.Tags[k]; !ok || got != v {
			return no
		}
	}
	return yes
}

func (s *Selector) matchNetwork(src *Source) match {
	switch {
	case len(s.Networks) == 0:
		return yes
	case !src.Addr.IsValid():
		return unknown
	case slices.ContainsFunc(s.Networks, func(p netip.Prefix) bool { return p.Contains(src.Addr.Unmap()) }):
		return yes
	default:
		return no
	}
}

func (s *Selector) matchVNI(src *Source) match {
	switch {
	case len(s.VNIs) == 0 || src.Mirrored && slices.Contains(s.VNIs, src.VNI):
		return yes
	case !src.Mirrored:
		return unknown
	default:
		return no
	}
}

// workload returns the index of the first workload that matches a source; -1 for none. known is false if that cannot be said: an earlier
// workload might match too. A workload that a sink has recorded decides then.
func (p *Policy) workload(src *Source) (i int, known bool) {
	if len(p.Workloads) == 0 {
		return -1, true
	}
	var room [16][]int
	lists := p.sources.candidates(room[:0], src)
	for i := nextOf(lists, -1); i < len(p.Workloads); i = nextOf(lists, i) {
		switch p.Workloads[i].Selector.match(src) {
		case yes:
			return i, true
		case unknown:
			at := p.workloadNamed(src.Workload)
			return at, at >= 0
		case no:
		}
	}
	return -1, true
}

// workloadNamed returns the index of the workload with a name; -1 if there is none.
func (p *Policy) workloadNamed(name string) int {
	if i, ok := p.sources.named[name]; ok {
		return i
	}
	return -1
}

// HasWorkload reports whether a policy has a workload of a name.
func (p *Policy) HasWorkload(name string) bool {
	return slices.ContainsFunc(p.Workloads, func(w Workload) bool { return w.Name == name })
}

// Sources is what a policy's workloads are told apart by.
type Sources struct {
	Interface bool // what the inventory or the mirror session says
	Address   bool // the address
}

// Sources returns what the workloads are told apart by.
func (p *Policy) Sources() (s Sources) {
	for i := range p.Workloads {
		w := &p.Workloads[i].Selector
		s.Address = s.Address || len(w.Networks) > 0
		all := Selector{Networks: w.Networks}
		s.Interface = s.Interface || !reflect.DeepEqual(*w, all)
	}
	return s
}

// WorkloadOf returns the name of the workload of a source, "" for none. ok is false if it cannot be said, or if flows of the source are
// exempt because they are of no workload.
func (p *Policy) WorkloadOf(src *Source) (name string, ok bool) {
	at, known := p.workload(src)
	switch {
	case !known:
		return "", false
	case at >= 0:
		return p.Workloads[at].Name, true
	default:
		return "", len(p.Workloads) == 0
	}
}

// HasName reports whether a rule for a workload has a name, on whatever ports.
func (p *Policy) HasName(workload, name string) bool {
	return p.allow.byName(name, question{p.audiences.around(p.workloadNamed(workload)), everyRule}) >= 0
}
