package sessions

import "github.com/mirrorsink/mirrorsink/sessions/account"

// planTargets finds or creates the target of each name in the spec. A target cannot be modified: one with the same name and another
// address is deleted, once the sessions have left it.
func (p *planner) planTargets() {
	for i := range p.Spec.Targets {
		t := &p.Spec.Targets[i]
		if t.ID != "" {
			p.targets[t.Name], p.keep[t.ID] = t.ID, true // ours or not: a spec may name by its ID a target that an earlier spec created
			if p.Account.TargetByID[t.ID] == nil {
				p.warnf("target %s: %s is not to be seen from this account and region; it should be another account's that is shared with this one", t.Name, t.ID)
			}
			continue
		}
		want := account.Target{Interface: t.Interface, LoadBalancer: t.LoadBalancer, Endpoint: t.Endpoint, Tags: p.Tags(t.Name)}
		if have := p.ourTarget(t.Name, want.Address()); have != nil {
			p.targets[t.Name], p.keep[have.ID] = have.ID, true
			continue
		}
		p.targets[t.Name] = account.Reference(KindTarget.String(), t.Name)
		p.add(createTargets, t.Name, Change{Op: Create, Kind: KindTarget, Name: t.Name, Want: Object{Target: &want}, Why: "there is no target for " + want.Address() + " yet"})
	}
}

func (p *planner) ourTarget(name, address string) *account.Target {
	return mostUsed(p.Account.Targets, p.uses, func(t *account.Target) (string, bool) {
		return t.ID, p.Ours(t.Tags) && t.Tags.Has(account.NameTag, name) && t.Address() == address
	})
}

// deleteTarget deletes a target, unless a session of another owner sends to it.
func (p *planner) deleteTarget(t *account.Target, user string) {
	name := t.Tags[account.NameTag]
	if user != "" {
		p.warnf("target %s (%s) stays: session %s, which is not ours, sends to it", t.ID, name, user)
		return
	}
	p.add(deleteTargets, t.ID, Change{Op: Delete, Kind: KindTarget, Name: name, ID: t.ID, Have: Object{Target: t}, Why: reason(KindTarget, name, p.targets)})
}
