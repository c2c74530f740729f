package sessions

import (
	"errors"

	"github.com/mirrorsink/mirrorsink/sessions/account"
	"github.com/mirrorsink/mirrorsink/sessions/spec"
)

// Comparison is a spec compared with an account: the plan, and what the plan is derived from.
type Comparison struct {
	Spec          *spec.Spec
	Account       *account.Index
	Plan          *Plan
	Desired       []*Desired                             // in the order of the spec and of interfaces
	WithoutTarget map[*spec.Session][]*account.Interface // chosen interfaces in zones for which the session names no target

	targets map[string]string // by the spec's name: an ID, or a reference
	filters map[string]string
}

// Desired is a session that the spec asks for.
type Desired struct {
	account.Session                    // as it is to be
	ENI             *account.Interface // that it mirrors
	Spec            *spec.Session      // that asks for it
	source          string             // that chose the interface
	have            *account.Session   // the existing session, or nil
}

// Compare derives the plan that brings an account to the state of a spec. It is a pure function: the same spec and state give the same
// plan. The error joins one for each mistake in the spec that shows only in this account. What AWS would refuse is in the plan's
// Refusals.
func Compare(spec *spec.Spec, have *account.State) (*Comparison, error) {
	p := newPlanner(spec, have)
	chosen, errs := choose(spec, p.Account)
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	p.Plan.Skipped = chosen.skipped
	p.planTargets()
	p.planFilters()
	p.desire(chosen)
	p.planSessions()
	p.deleteUnused()
	p.refuse()
	for _, changes := range p.phases {
		p.Plan.Changes = append(p.Plan.Changes, changes...)
	}
	return p.Comparison, nil
}

// Diff returns the plan of Compare.
func Diff(spec *spec.Spec, have *account.State) (*Plan, error) {
	c, err := Compare(spec, have)
	if err != nil {
		return nil, err
	}
	return c.Plan, nil
}

// DiffNothing returns the plan that deletes everything of an owner.
func DiffNothing(owner string, have *account.State) *Plan {
	plan, _ := Diff(&spec.Spec{Owner: owner}, have) // a spec without sources has no mistakes
	return plan
}

// Ours reports whether a resource with these tags belongs to the spec's owner.
func (c *Comparison) Ours(t account.Tags) bool { return t.Has(account.OwnerTag, c.Spec.Owner) }

// Tags returns the tags of a resource that is created for an entry of the spec.
func (c *Comparison) Tags(name string) account.Tags {
	return account.Tags{account.OwnerTag: c.Spec.Owner, account.NameTag: name}
}

// TargetID returns the ID of a target of the spec by its name, or a reference if the plan creates it.
func (c *Comparison) TargetID(name string) string { return c.targets[name] }

// FilterID returns the ID of a filter of the spec by its name, or a reference if the plan creates it.
func (c *Comparison) FilterID(name string) string { return c.filters[name] }

// Target returns the target with an ID or a reference. A target of another account that is not visible has no address.
func (c *Comparison) Target(id string) account.Target {
	if t := c.Account.TargetByID[id]; t != nil {
		return *t
	}
	for i := range c.Spec.Targets {
		if t := &c.Spec.Targets[i]; c.targets[t.Name] == id {
			return account.Target{ID: t.ID, Interface: t.Interface, LoadBalancer: t.LoadBalancer, Endpoint: t.Endpoint}
		}
	}
	return account.Target{}
}
