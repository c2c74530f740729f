package ec2test

import (
	"maps"
	"slices"
)

// Snapshot returns the whole state, sorted by ID. It shares nothing with the server, and can seed another.
func (s *Server) Snapshot() Account {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := &s.store
	a := Account{
		ID: s.account, Region: s.region, Limits: s.limits, Denied: slices.Sorted(maps.Keys(s.denied)),
		Subnets: list(&d.subnets, (*Subnet).clone), SecurityGroups: list(&d.groups, (*SecurityGroup).clone),
		Instances: list(&d.instances, (*Instance).clone), Interfaces: list(&d.interfaces, (*Interface).clone),
		Endpoints:     slices.Sorted(maps.Keys(d.endpoints)),
		LoadBalancers: list(&d.balancers, (*LoadBalancer).clone), TargetGroups: list(&d.targetGroups, (*TargetGroup).clone),
		Targets: list(&d.targets, (*Target).clone), Filters: list(&d.filters, (*Filter).clone), Sessions: list(&d.sessions, (*Session).clone),
	}
	for i := range a.Filters {
		f := &a.Filters[i]
		f.Rules = d.filterRules(f.ID, never+1)
		for j := range f.Rules {
			f.Rules[j] = *f.Rules[j].clone()
		}
	}
	return a
}
