package ec2test

import (
	"cmp"
	"slices"
)

// store is the state, with the indexes that keep each call's cost independent of how much there is. It is guarded by the
// server's lock.
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

	attached map[string]set    // by instance, its interfaces
	rulesOf  map[string]set    // by filter
	on       map[string]set    // by interface, the sessions that mirror it
	to       map[string]set    // by target, its sessions
	through  map[string]set    // by filter, its sessions
	targetOf map[string]set    // by interface, the targets on it
	vnis     map[uint32]uint32 // how many sessions have it
}

type set map[string]struct{}

func newStore() store {
	return store{
		interfaces: newTable[Interface](), instances: newTable[Instance](), subnets: newTable[Subnet](),
		groups: newTable[SecurityGroup](), balancers: newTable[LoadBalancer](), targetGroups: newTable[TargetGroup](),
		endpoints: map[string]bool{}, targets: newTable[Target](), filters: newTable[Filter](), rules: newTable[Rule](),
		sessions: newTable[Session](), attached: map[string]set{}, rulesOf: map[string]set{}, on: map[string]set{},
		to: map[string]set{}, through: map[string]set{}, targetOf: map[string]set{}, vnis: map[uint32]uint32{},
	}
}

func link(index map[string]set, key, id string) {
	if index[key] == nil {
		index[key] = set{}
	}
	index[key][id] = struct{}{}
}

func unlink(index map[string]set, key, id string) {
	delete(index[key], id)
	if len(index[key]) == 0 {
		delete(index, key)
	}
}

func (d *store) putInterface(i *Interface, hidden uint64) {
	if old := d.interfaces.get(i.ID); old != nil {
		unlink(d.attached, old.Instance, i.ID)
	}
	d.interfaces.put(i.ID, i, hidden)
	if i.Instance != "" {
		link(d.attached, i.Instance, i.ID)
	}
}

// removeInterface takes the interface's sessions with it, as EC2 does. Targets on it stay.
func (d *store) removeInterface(id string) {
	i := d.interfaces.get(id)
	if i == nil {
		return
	}
	for session := range d.on[id] {
		d.removeSession(session)
	}
	unlink(d.attached, i.Instance, id)
	d.interfaces.remove(id)
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

func (d *store) putTarget(t *Target, hidden uint64) {
	if old := d.targets.get(t.ID); old != nil {
		unlink(d.targetOf, old.Interface, t.ID)
	}
	d.targets.put(t.ID, t, hidden)
	if t.Interface != "" {
		link(d.targetOf, t.Interface, t.ID)
	}
}

func (d *store) removeTarget(id string) {
	if t := d.targets.get(id); t != nil {
		unlink(d.targetOf, t.Interface, id)
		d.targets.remove(id)
	}
}

func (d *store) putRule(r *Rule, hidden uint64) {
	if old := d.rules.get(r.ID); old != nil {
		unlink(d.rulesOf, old.Filter, r.ID)
	}
	d.rules.put(r.ID, r, hidden)
	link(d.rulesOf, r.Filter, r.ID)
}

func (d *store) removeRule(id string) {
	if r := d.rules.get(id); r != nil {
		unlink(d.rulesOf, r.Filter, id)
		d.rules.remove(id)
	}
}

// removeFilter takes the filter's rules with it.
func (d *store) removeFilter(id string) {
	for rule := range d.rulesOf[id] {
		d.removeRule(rule)
	}
	d.filters.remove(id)
}

// filterRules returns a filter's rules by direction and number, those that a call sees.
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

func (d *store) putSession(s *Session, hidden uint64) {
	if old := d.sessions.get(s.ID); old != nil {
		d.unlinkSession(old)
	}
	d.sessions.put(s.ID, s, hidden)
	link(d.on, s.Interface, s.ID)
	link(d.to, s.Target, s.ID)
	link(d.through, s.Filter, s.ID)
	d.vnis[s.VNI]++
}

func (d *store) unlinkSession(s *Session) {
	unlink(d.on, s.Interface, s.ID)
	unlink(d.to, s.Target, s.ID)
	unlink(d.through, s.Filter, s.ID)
	if d.vnis[s.VNI]--; d.vnis[s.VNI] == 0 {
		delete(d.vnis, s.VNI)
	}
}

func (d *store) removeSession(id string) {
	if s := d.sessions.get(id); s != nil {
		d.unlinkSession(s)
		d.sessions.remove(id)
	}
}

// settle makes everything visible.
func (d *store) settle() {
	d.interfaces.settle()
	d.instances.settle()
	d.targets.settle()
	d.filters.settle()
	d.rules.settle()
	d.sessions.settle()
}
