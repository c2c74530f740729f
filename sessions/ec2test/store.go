package ec2test

import (
	"cmp"
	"slices"
	"strconv"
)

// store is the state of the account. Its indexes keep the cost of a call independent of the size of the account. The server's lock
// guards it.
type store struct {
	interfaces   table[Interface]
	instances    table[Instance]
	subnets      table[Subnet]
	groups       table[SecurityGroup]
	balancers    table[LoadBalancer]
	targetGroups table[TargetGroup]
	endpoints    map[string]bool
	targets      table[Target]
	filters      table[Filter] // without rules
	rules        table[Rule]
	sessions     table[Session]

	attached index // interfaces by instance
	targetOf index // targets by interface
	rulesOf  index // rules by filter
	on       index // sessions by the interface that they mirror
	to       index // sessions by target
	through  index // sessions by filter
	vnis     index // sessions by VNI
}

func newStore() store {
	d := store{
		instances: newTable[Instance](), subnets: newTable[Subnet](), groups: newTable[SecurityGroup](), balancers: newTable[LoadBalancer](),
		targetGroups: newTable[TargetGroup](), endpoints: map[string]bool{}, filters: newTable[Filter](),
		attached: index{}, targetOf: index{}, rulesOf: index{}, on: index{}, to: index{}, through: index{}, vnis: index{},
	}
	d.interfaces = newTable(indexed[Interface]{d.attached, func(i *Interface) string { return i.Instance }})
	d.targets = newTable(indexed[Target]{d.targetOf, func(t *Target) string { return t.Interface }})
	d.rules = newTable(indexed[Rule]{d.rulesOf, func(r *Rule) string { return r.Filter }})
	d.sessions = newTable(
		indexed[Session]{d.on, func(s *Session) string { return s.Interface }},
		indexed[Session]{d.to, func(s *Session) string { return s.Target }},
		indexed[Session]{d.through, func(s *Session) string { return s.Filter }},
		indexed[Session]{d.vnis, func(s *Session) string { return vniKey(s.VNI) }},
	)
	return d
}

// vniKey returns the key of a VNI in the index of VNIs.
func vniKey(vni uint32) string { return strconv.Itoa(int(vni)) }

// removeInterface removes an interface and the sessions that mirror it, as EC2 does. Targets on it stay.
func (d *store) removeInterface(id string) {
	for session := range d.on[id] {
		d.sessions.remove(session)
	}
	d.interfaces.remove(id)
}

// removeFilter removes a filter and its rules.
func (d *store) removeFilter(id string) {
	for rule := range d.rulesOf[id] {
		d.rules.remove(rule)
	}
	d.filters.remove(id)
}

// interfacesOf returns an instance's interfaces by device index.
func (d *store) interfacesOf(instance string) []*Interface {
	var all []*Interface
	for id := range d.attached[instance] {
		all = append(all, d.interfaces.get(id))
	}
	slices.SortFunc(all, func(a, b *Interface) int {
		return cmp.Or(cmp.Compare(a.Device, b.Device), cmp.Compare(a.ID, b.ID))
	})
	return all
}

// filterRules returns those rules of a filter that a call sees, by direction and number.
func (d *store) filterRules(filter string, call uint64) []Rule {
	var all []Rule
	for id := range d.rulesOf[filter] {
		if r := d.rules.seen(id, call); r != nil {
			all = append(all, *r)
		}
	}
	slices.SortFunc(all, func(a, b Rule) int {
		return cmp.Or(cmp.Compare(a.Direction, b.Direction), cmp.Compare(a.Number, b.Number), cmp.Compare(a.ID, b.ID))
	})
	return all
}

// showAll makes every resource visible.
func (d *store) showAll() {
	d.interfaces.showAll()
	d.instances.showAll()
	d.targets.showAll()
	d.filters.showAll()
	d.rules.showAll()
	d.sessions.showAll()
}
