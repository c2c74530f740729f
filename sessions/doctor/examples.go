package doctor

import (
	"net/netip"

	"github.com/mirrorsink/mirrorsink/sessions"
	"github.com/mirrorsink/mirrorsink/sessions/account"
)

// actions are the calls of the API that make a plan's changes, in the order in which AskGrants asks.
var actions = []struct {
	kind sessions.Kind
	op   sessions.Op
	name string
}{
	{sessions.KindTarget, sessions.Create, "CreateTrafficMirrorTarget"},
	{sessions.KindTarget, sessions.Delete, "DeleteTrafficMirrorTarget"},
	{sessions.KindFilter, sessions.Create, "CreateTrafficMirrorFilter"},
	{sessions.KindFilter, sessions.Delete, "DeleteTrafficMirrorFilter"},
	{sessions.KindRule, sessions.Create, "CreateTrafficMirrorFilterRule"},
	{sessions.KindRule, sessions.Modify, "ModifyTrafficMirrorFilterRule"},
	{sessions.KindRule, sessions.Delete, "DeleteTrafficMirrorFilterRule"},
	{sessions.KindServices, sessions.Modify, "ModifyTrafficMirrorFilterNetworkServices"},
	{sessions.KindSession, sessions.Create, "CreateTrafficMirrorSession"},
	{sessions.KindSession, sessions.Modify, "ModifyTrafficMirrorSession"},
	{sessions.KindSession, sessions.Delete, "DeleteTrafficMirrorSession"},
}

// example is a call that apply may make. The change is nil if no resource exists with which to ask about it.
type example struct {
	action string
	change *sessions.Change
}

// examples returns one change for each call: one of the plan if it needs only existing resources, else one made up from existing
// resources.
func examples(c *sessions.Comparison) (all []example) {
	made := madeUp{Comparison: c, by: map[call]*sessions.Change{}}
	made.targets()
	made.filters()
	made.sessions()
	for _, a := range actions {
		e := example{"ec2:" + a.name, made.by[call{a.kind, a.op}]}
		for i := range c.Plan.Changes {
			if change := &c.Plan.Changes[i]; change.Kind == a.kind && change.Op == a.op && !dependent(change) {
				e.change = change
				break
			}
		}
		all = append(all, e)
	}
	return all
}

// dependent reports whether a change needs a resource that another change creates.
func dependent(c *sessions.Change) bool {
	s := c.Want.Session
	return account.IsReference(c.ID) || s != nil && (account.IsReference(s.Target) || account.IsReference(s.Filter))
}

// call identifies a call of the API.
type call struct {
	kind sessions.Kind
	op   sessions.Op
}

// madeUp collects changes of our existing resources, and creations that the spec could ask for. Those that modify set what is set
// already.
type madeUp struct {
	*sessions.Comparison
	by map[call]*sessions.Change
}

const exampleName = "permission"

func (m *madeUp) add(op sessions.Op, kind sessions.Kind, id string, want, have sessions.Object) {
	m.by[call{kind, op}] = &sessions.Change{Op: op, Kind: kind, Name: exampleName, ID: id, Want: want, Have: have}
}

func (m *madeUp) targets() {
	for i := range m.Spec.Targets {
		if t := m.Spec.Targets[i]; t.ID == "" {
			m.add(sessions.Create, sessions.KindTarget, "", sessions.Object{Target: &account.Target{Interface: t.Interface, LoadBalancer: t.LoadBalancer, Endpoint: t.Endpoint, Tags: m.Tags(t.Name)}}, sessions.Object{})
		}
	}
	for i := range m.Account.Targets {
		if t := &m.Account.Targets[i]; m.Ours(t.Tags) {
			m.add(sessions.Delete, sessions.KindTarget, t.ID, sessions.Object{}, sessions.Object{Target: t})
		}
	}
}

func (m *madeUp) filters() {
	m.add(sessions.Create, sessions.KindFilter, "", sessions.Object{Filter: &account.Filter{Tags: m.Tags(exampleName)}}, sessions.Object{})
	for i := range m.Account.Filters {
		if f := &m.Account.Filters[i]; m.Ours(f.Tags) {
			m.add(sessions.Delete, sessions.KindFilter, f.ID, sessions.Object{}, sessions.Object{Filter: f})
			m.add(sessions.Modify, sessions.KindServices, f.ID, sessions.Object{Filter: &account.Filter{ID: f.ID, Services: []string{account.AmazonDNS}}}, sessions.Object{Filter: &account.Filter{ID: f.ID}})
			m.rules(f)
		}
	}
}

// rules changes a rule of a filter of ours, and creates another one with a free number.
func (m *madeUp) rules(f *account.Filter) {
	all := netip.PrefixFrom(netip.IPv4Unspecified(), 0)
	free := account.Rule{Filter: f.ID, Direction: account.Ingress, Number: account.MaxRuleNumber, Action: account.Accept, Source: all, Destination: all, Tags: m.Tags(exampleName)}
	for i := range f.Rules {
		r := &f.Rules[i]
		if r.Direction == free.Direction && r.Number == free.Number {
			free.Number--
		}
		if m.Ours(r.Tags) {
			have := *r
			have.Number = 0
			m.add(sessions.Modify, sessions.KindRule, r.ID, sessions.Object{Rule: r}, sessions.Object{Rule: &have})
			m.add(sessions.Delete, sessions.KindRule, r.ID, sessions.Object{}, sessions.Object{Rule: r})
		}
	}
	m.add(sessions.Create, sessions.KindRule, f.ID, sessions.Object{Rule: &free}, sessions.Object{})
}

func (m *madeUp) sessions() {
	for i := range m.Account.Sessions {
		if s := &m.Account.Sessions[i]; m.Ours(s.Tags) {
			have := *s
			have.Number = 0
			m.add(sessions.Modify, sessions.KindSession, s.ID, sessions.Object{Session: s}, sessions.Object{Session: &have})
			m.add(sessions.Delete, sessions.KindSession, s.ID, sessions.Object{}, sessions.Object{Session: s})
		}
	}
	for _, w := range m.Desired {
		if s := w.Session; !account.IsReference(s.Target) && !account.IsReference(s.Filter) {
			m.add(sessions.Create, sessions.KindSession, "", sessions.Object{Session: &s}, sessions.Object{})
			return
		}
	}
}
