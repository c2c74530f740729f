package policy

import (
	"math"
	"net/netip"
	"slices"

	"github.com/gaissmai/bart"
)

// sourceIndex finds the workloads that a source may belong to. Each workload is found by one of its conditions, so that a policy with
// thousands of workloads is not looked through for each flow.
type sourceIndex struct {
	instances, interfaces, groups, subnets, vpcs, accounts anchor
	tags                                                   map[string]*anchor // by key
	networks                                               bart.Table[[]int]
	byNetwork                                              []int // all of networks
	vnis                                                   map[uint32][]int
	byVNI                                                  []int // all of vnis
	others                                                 []int // workloads without a condition
	named                                                  map[string]int
}

// anchor leads from the values of a field to workloads, ascending.
type anchor struct {
	by  map[string][]int
	all []int // which a source whose field is not known may belong to
}

func (a *anchor) add(values []string, workload int) {
	if a.by == nil {
		a.by = map[string][]int{}
	}
	for _, v := range values {
		a.by[v] = include(a.by[v], workload)
	}
	a.all = append(a.all, workload)
}

func (a *anchor) of(value string) []int {
	if value == "" {
		return a.all
	}
	return a.by[value]
}

// include adds a workload to a list in which none is higher.
func include(list []int, workload int) []int {
	if n := len(list); n > 0 && list[n-1] == workload {
		return list
	}
	return append(list, workload)
}

func newSourceIndex(workloads []Workload) *sourceIndex {
	x := &sourceIndex{tags: map[string]*anchor{}, vnis: map[uint32][]int{}, named: map[string]int{}}
	for i := range workloads {
		x.named[workloads[i].Name] = i
		x.add(&workloads[i].Selector, i)
	}
	return x
}

// add makes the narrowest kind of condition of a selector lead to its workload.
func (x *sourceIndex) add(s *Selector, workload int) {
	switch {
	case len(s.Instances) > 0:
		x.instances.add(s.Instances, workload)
	case len(s.Interfaces) > 0:
		x.interfaces.add(s.Interfaces, workload)
	case len(s.Groups) > 0:
		x.groups.add(s.Groups, workload)
	case len(s.Subnets) > 0:
		x.subnets.add(s.Subnets, workload)
	case len(s.Tags) > 0:
		x.addTag(s.Tags, workload)
	case len(s.VNIs) > 0:
		for _, v := range s.VNIs {
			x.vnis[v] = include(x.vnis[v], workload)
		}
		x.byVNI = append(x.byVNI, workload)
	case len(s.Networks) > 0:
		for _, p := range s.Networks {
			x.networks.Modify(p, func(list []int, _ bool) ([]int, bool) { return include(list, workload), false })
		}
		x.byNetwork = append(x.byNetwork, workload)
	case len(s.VPCs) > 0:
		x.vpcs.add(s.VPCs, workload)
	case len(s.Accounts) > 0:
		x.accounts.add(s.Accounts, workload)
	default:
		x.others = append(x.others, workload)
	}
}

// addTag makes the first of the tags lead to a workload.
func (x *sourceIndex) addTag(tags map[string]string, workload int) {
	key := ""
	for k := range tags {
		if key == "" || k < key {
			key = k
		}
	}
	if x.tags[key] == nil {
		x.tags[key] = new(anchor)
	}
	x.tags[key].add([]string{tags[key]}, workload)
}

// candidates appends lists of workloads, each ascending, of which a source may belong to one. It certainly belongs to no other.
func (x *sourceIndex) candidates(lists [][]int, src *Source) [][]int {
	lists = appendList(lists, x.others)
	lists = appendList(lists, x.instances.of(src.Instance))
	lists = appendList(lists, x.interfaces.of(src.Interface))
	lists = appendList(lists, x.groups.of(src.Group))
	lists = appendList(lists, x.subnets.of(src.Subnet))
	lists = appendList(lists, x.vpcs.of(src.VPC))
	lists = appendList(lists, x.accounts.of(src.Account))
	for key, a := range x.tags {
		switch value, has := src.Tags[key]; {
		case src.Tags == nil:
			lists = append(lists, a.all)
		case has:
			lists = appendList(lists, a.by[value])
		}
	}
	if src.Mirrored {
		lists = appendList(lists, x.vnis[src.VNI])
	} else {
		lists = appendList(lists, x.byVNI)
	}
	return x.inNetworks(lists, src)
}

// inNetworks appends the lists of workloads that are found by their networks.
func (x *sourceIndex) inNetworks(lists [][]int, src *Source) [][]int {
	const few = 8 // workloads, which are looked at faster than networks are found
	if !src.Addr.IsValid() || len(x.byNetwork) <= few {
		return appendList(lists, x.byNetwork)
	}
	addr := src.Addr.Unmap()
	for _, list := range x.networks.Supernets(netip.PrefixFrom(addr.WithZone(""), addr.BitLen())) {
		lists = append(lists, list)
	}
	return lists
}

func appendList(lists [][]int, list []int) [][]int {
	if len(list) == 0 {
		return lists
	}
	return append(lists, list)
}

// nextOf returns the lowest workload of the lists above one; math.MaxInt if there is none.
func nextOf(lists [][]int, above int) int {
	next := math.MaxInt
	for i, list := range lists {
		if len(list) > 0 && list[0] <= above {
			at, _ := slices.BinarySearch(list, above+1)
			list = list[at:]
			lists[i] = list
		}
		if len(list) > 0 {
			next = min(next, list[0])
		}
	}
	return next
}
