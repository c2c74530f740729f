package sessions

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// deniedCall returns the call that an error says is not permitted.
func deniedCall(err error) (*APIError, bool) {
	var api *APIError
	return api, errors.As(err, &api) && api.Class == Denied
}

// AskGrants asks EC2 by DryRun, which changes nothing, whether each call that apply may come to make is permitted, with the
// resources and tags that apply would name: a policy that looks at these, as ours does, can answer nothing else. Of calls for
// which there is nothing to name yet it is said that they were not asked. An error is that nothing can be found out.
func AskGrants(ctx context.Context, api Changer, f *Facts) error {
	d, wanted, err := compare(f.Spec, f.State)
	if err != nil {
		return err
	}
	var unasked, undecided []string
	for _, e := range d.examples(wanted) {
		if e.change == nil {
			unasked = append(unasked, e.action)
			continue
		}
		_, err := api.Change(ctx, e.change, Call{DryRun: true, Settled: true})
		g := Grant{Action: e.action}
		switch ClassOf(err) {
		case Unreachable, Throttled:
			return err
		case Denied:
			g.Answer, g.Err = Refused, err
		case WouldSucceed, InUse, Exists, Limit: // EC2 asks for permission before it looks at these
			g.Answer = Allowed
		default:
			g.Err = err
			undecided = append(undecided, e.action)
		}
		f.Grants = append(f.Grants, g)
	}
	if len(unasked) > 0 {
		f.Unchecked = append(f.Unchecked, "whether these are permitted, which need what is not there yet: "+joined(unasked))
	}
	if len(undecided) > 0 {
		f.Unchecked = append(f.Unchecked, "whether these are permitted, of which EC2 did not say: "+joined(undecided))
	}
	return nil
}

// example is a call that apply may make. The change is nil if it cannot be asked about.
type example struct {
	action string
	change *Change
}

// actions are the calls of the API that make a plan's changes.
var actions = map[Kind]map[Op]string{
	KindTarget:   {Create: "CreateTrafficMirrorTarget", Delete: "DeleteTrafficMirrorTarget"},
	KindFilter:   {Create: "CreateTrafficMirrorFilter", Delete: "DeleteTrafficMirrorFilter"},
	KindRule:     {Create: "CreateTrafficMirrorFilterRule", Modify: "ModifyTrafficMirrorFilterRule", Delete: "DeleteTrafficMirrorFilterRule"},
	KindServices: {Modify: "ModifyTrafficMirrorFilterNetworkServices"},
	KindSession:  {Create: "CreateTrafficMirrorSession", Modify: "ModifyTrafficMirrorSession", Delete: "DeleteTrafficMirrorSession"},
}

// examples returns one change for each call: the plan's own where it makes one that names only what is there, else one made up
// of what is there.
func (d *differ) examples(wanted []*wanted) (all []example) {
	made := d.madeUp(wanted)
	for kind := range numKinds {
		for op := range numOps {
			name, ok := actions[kind][op]
			if !ok {
				continue
			}
			e := example{action: "ec2:" + name, change: made[kind][op]}
			for i := range d.plan.Changes {
				if c := &d.plan.Changes[i]; c.Kind == kind && c.Op == op && c.settled() {
					e.change = c
					break
				}
			}
			all = append(all, e)
		}
	}
	return all
}

// settled reports whether all that a change names is there.
func (c *Change) settled() bool {
	refs := c.ID
	if s := c.Want.Session; s != nil {
		refs += s.Target + s.Filter
	}
	return !strings.Contains(refs, "/")
}

// keep keeps a change as an example.
type keep func(op Op, kind Kind, id string, want, have Object)

// madeUp are changes of what is ours, and creations of what the spec could ask for. Those that modify would change nothing:
// they say again what is so already.
func (d *differ) madeUp(wanted []*wanted) map[Kind]map[Op]*Change {
	all := map[Kind]map[Op]*Change{KindTarget: {}, KindFilter: {}, KindRule: {}, KindServices: {}, KindSession: {}}
	keep := func(op Op, kind Kind, id string, want, have Object) {
		all[kind][op] = &Change{Op: op, Kind: kind, Name: "permission", ID: id, Want: want, Have: have}
	}
	d.madeUpTargets(keep)
	keep(Create, KindFilter, "", Object{Filter: &Filter{Tags: d.tags("permission")}}, Object{})
	for i := range d.ix.Filters {
		if f := &d.ix.Filters[i]; d.ours(f.Tags) {
			keep(Delete, KindFilter, f.ID, Object{}, Object{Filter: f})
			keep(Modify, KindServices, f.ID, Object{Filter: &Filter{ID: f.ID, Services: []string{AmazonDNS}}}, Object{Filter: &Filter{ID: f.ID}})
			d.madeUpRules(f, keep)
		}
	}
	d.madeUpSessions(wanted, keep)
	return all
}

func (d *differ) madeUpTargets(keep keep) {
	for i := range d.spec.Targets {
		if t := d.spec.Targets[i]; t.ID == "" {
			keep(Create, KindTarget, "", Object{Target: &Target{Interface: t.Interface, LoadBalancer: t.LoadBalancer, Endpoint: t.Endpoint, Tags: d.tags(t.Name)}}, Object{})
		}
	}
	for i := range d.ix.Targets {
		if t := &d.ix.Targets[i]; d.ours(t.Tags) {
			keep(Delete, KindTarget, t.ID, Object{}, Object{Target: t})
		}
	}
}

func (d *differ) madeUpSessions(wanted []*wanted, keep keep) {
	for i := range d.ix.Sessions {
		if s := &d.ix.Sessions[i]; d.ours(s.Tags) {
			have := *s
			have.Number = 0
			keep(Modify, KindSession, s.ID, Object{Session: s}, Object{Session: &have})
			keep(Delete, KindSession, s.ID, Object{}, Object{Session: s})
		}
	}
	for _, w := range wanted {
		if s := w.Session; !strings.Contains(s.Target+s.Filter, "/") {
			keep(Create, KindSession, "", Object{Session: &s}, Object{})
			return
		}
	}
}

// madeUpRules changes a rule of a filter of ours, and makes another one with a number that none has.
func (d *differ) madeUpRules(f *Filter, keep keep) {
	free := everything(Ingress)[0]
	free.Number, free.Filter, free.Tags = MaxRuleNumber, f.ID, d.tags("permission")
	for i := range f.Rules {
		r := &f.Rules[i]
		if r.Direction == free.Direction && r.Number == free.Number {
			free.Number--
		}
		if d.ours(r.Tags) {
			have := *r
			have.Number = 0
			keep(Modify, KindRule, r.ID, Object{Rule: r}, Object{Rule: &have})
			keep(Delete, KindRule, r.ID, Object{}, Object{Rule: r})
		}
	}
	keep(Create, KindRule, f.ID, Object{Rule: &free}, Object{})
}

// refusedActions are the calls that the caller may not make.
func (s *setup) refusedActions() (all []string) {
	for _, g := range s.Grants {
		if g.Answer == Refused {
			all = append(all, g.Action)
		}
	}
	return all
}

// permissions looks for calls that are not permitted.
func (s *setup) permissions() (all []Finding) {
	if calls := s.refusedActions(); len(calls) > 0 {
		all = append(all, Finding{
			Subject: "IAM", What: "EC2 refuses " + joined(calls),
			Cost: "apply and watch stop at the first of them, with what was done before it", Mend: "allow what this prints: " + s.policyCommand("apply"),
		})
	}
	if len(s.Denied) > 0 {
		all = append(all, Finding{
			Subject: "IAM", What: "doctor may not call " + joined(s.Denied),
			Cost: "some of the checks below could not be made", Mend: "allow what this prints: " + s.policyCommand("doctor"),
		})
	}
	return all
}

// policyCommand is the command that prints a policy.
func (s *setup) policyCommand(of string) string {
	text := fmt.Sprintf("mirrorsink sessions iam-policy %s --owner %s", of, s.spec.Owner)
	if s.ix.Region != "" {
		text += " --region " + s.ix.Region
	}
	return text
}
