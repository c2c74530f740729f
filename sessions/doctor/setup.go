package doctor

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/mirrorsink/mirrorsink/inspect/strictyaml"
	"github.com/mirrorsink/mirrorsink/sessions"
	"github.com/mirrorsink/mirrorsink/sessions/account"
	"github.com/mirrorsink/mirrorsink/sessions/spec"
)

// setup is a spec compared with the account and the network.
type setup struct {
	*sessions.Comparison
	facts     *Facts
	targets   []usedTarget
	groups    map[string]*account.SecurityGroup
	subnets   map[string]*account.Subnet
	balancers map[string]*account.LoadBalancer
	unchecked []string
}

// usedTarget is a target of the spec and the sessions that send to it.
type usedTarget struct {
	account.Target
	spec    *spec.Target
	sources []*sessions.Desired
}

func newSetup(f *Facts, c *sessions.Comparison) *setup {
	s := &setup{
		Comparison: c, facts: f, unchecked: slices.Clone(f.Unchecked),
		groups: map[string]*account.SecurityGroup{}, subnets: map[string]*account.Subnet{}, balancers: map[string]*account.LoadBalancer{},
	}
	for i := range f.Groups {
		s.groups[f.Groups[i].ID] = &f.Groups[i]
	}
	for i := range f.Subnets {
		s.subnets[f.Subnets[i].ID] = &f.Subnets[i]
	}
	for i := range f.Balancers {
		s.balancers[f.Balancers[i].ARN] = &f.Balancers[i]
	}
	sources := map[string][]*sessions.Desired{}
	for _, w := range s.Desired {
		sources[w.Target] = append(sources[w.Target], w)
	}
	for i := range s.Spec.Targets {
		t := &s.Spec.Targets[i]
		id := s.TargetID(t.Name)
		s.addTarget(usedTarget{s.Target(id), t, sources[id]})
	}
	return s
}

func (s *setup) addTarget(t usedTarget) {
	s.targets = append(s.targets, t)
	switch {
	case t.Endpoint != "":
		s.note("%s: what is behind a Gateway Load Balancer's endpoint is not looked at", t)
	case t.Address() == "":
		s.note("%s: it is not to be seen from this account and region; what is behind it is not looked at", t)
	}
}

// note records what could not be checked.
func (s *setup) note(format string, args ...any) {
	s.unchecked = append(s.unchecked, fmt.Sprintf(format, args...))
}

// String returns the target's name in findings.
func (t usedTarget) String() string {
	return fmt.Sprintf("target %s (%s)", t.spec.Name, cmp.Or(t.Address(), t.ID))
}

// where returns an entry of the spec with its position.
func (s *setup) where(kind, name string, at strictyaml.Position) string {
	return fmt.Sprintf("%s %s (%s:%d)", kind, name, s.Spec.File, at.Line)
}

// perSession runs a check for each session of the spec that mirrors something, with the sessions it asks for.
func (s *setup) perSession(run func(spec *spec.Session, sources []*sessions.Desired) []Finding) (all []Finding) {
	of := map[*spec.Session][]*sessions.Desired{}
	for _, w := range s.Desired {
		of[w.Spec] = append(of[w.Spec], w)
	}
	specs := slices.SortedFunc(maps.Keys(of), func(a, b *spec.Session) int { return a.At.Line - b.At.Line })
	for _, spec := range specs {
		for _, f := range run(spec, of[spec]) {
			f.Subject = s.where("session", spec.Name, spec.At)
			all = append(all, f)
		}
	}
	return all
}

// interfacesOf returns the interfaces of sessions, each once, in the order of IDs.
func interfacesOf(list []*sessions.Desired) []*account.Interface {
	byID := map[string]*account.Interface{}
	for _, w := range list {
		byID[w.Interface] = w.ENI
	}
	return slices.SortedFunc(maps.Values(byID), func(a, b *account.Interface) int { return cmp.Compare(a.ID, b.ID) })
}

func idsOf(list []*account.Interface) (ids []string) {
	for _, eni := range list {
		ids = append(ids, eni.ID)
	}
	return ids
}

// byZone groups interfaces by their availability zones, and returns the zones in order.
func byZone(list []*account.Interface) (zones []string, in map[string][]*account.Interface) {
	in = map[string][]*account.Interface{}
	for _, eni := range list {
		zone := cmp.Or(eni.Zone, "(unknown)")
		in[zone] = append(in[zone], eni)
	}
	return slices.Sorted(maps.Keys(in)), in
}
