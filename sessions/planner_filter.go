package sessions

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/mirrorsink/mirrorsink/sessions/account"
	"github.com/mirrorsink/mirrorsink/sessions/spec"
)

// planFilters finds or creates the filter of each name in the spec, and plans the changes of its rules and network services.
func (p *planner) planFilters() {
	for i := range p.Spec.Filters {
		f := &p.Spec.Filters[i]
		have := p.ourFilter(f.Name)
		if have == nil {
			have = &account.Filter{ID: account.Reference(KindFilter.String(), f.Name)}
			p.add(createFilters, f.Name, Change{Op: Create, Kind: KindFilter, Name: f.Name, Why: "there is no such filter yet",
				Want: Object{Filter: &account.Filter{Tags: p.Tags(f.Name)}}})
		}
		p.filters[f.Name], p.keep[have.ID] = have.ID, true
		p.planRules(f, have)
		p.planServices(f, have)
	}
}

func (p *planner) ourFilter(name string) *account.Filter {
	return mostUsed(p.Account.Filters, p.uses, func(f *account.Filter) (string, bool) {
		return f.ID, p.Ours(f.Tags) && f.Tags.Has(account.NameTag, name)
	})
}

// planServices turns mirroring of Amazon DNS on or off.
func (p *planner) planServices(f *spec.Filter, have *account.Filter) {
	if slices.Contains(have.Services, account.AmazonDNS) == f.AmazonDNS {
		return
	}
	want := account.Filter{ID: have.ID}
	why := "lookups at the VPC's resolver are not wanted"
	if f.AmazonDNS {
		want.Services = []string{account.AmazonDNS}
		why = "without it no lookup at the VPC's resolver is mirrored, and every connection looks as if it had none"
	}
	p.add(setServices, f.Name, Change{Op: Modify, Kind: KindServices, Name: f.Name, ID: have.ID, Why: why,
		Want: Object{Filter: &want}, Have: Object{Filter: &account.Filter{ID: have.ID, Services: have.Services}}})
}

// planRules plans the changes of a filter's rules. An unwanted rule is modified into a missing one, number and direction included, as long
// as there are both. So the filter never exceeds AWS's limit on rules.
func (p *planner) planRules(f *spec.Filter, have *account.Filter) {
	there := map[account.RuleKey]*account.Rule{}
	foreign := 0
	for i := range have.Rules {
		r := &have.Rules[i]
		there[r.Key()] = r
		if !p.Ours(r.Tags) {
			foreign++
		}
	}
	var missing []account.Rule
	for _, want := range f.Rules {
		want.Filter, want.Tags = have.ID, p.Tags(f.Name)
		old := there[want.Key()]
		switch {
		case old == nil:
			missing = append(missing, want)
			continue
		case !p.Ours(old.Tags):
			p.refusef("filter %s: %s rule %d is there (%s) and not ours; delete it, or give ours another number", f.Name, want.Direction, want.Number, old.ID)
		case !old.SameEffect(&want):
			p.modifyRule(f, old, want)
		}
		delete(there, want.Key())
	}
	if n := len(f.Rules) + foreign; n > account.MaxRulesPerFilter {
		p.refusef("filter %s: %d rules, of which %d are not ours; AWS allows %d", f.Name, n, foreign, account.MaxRulesPerFilter)
	}
	p.replaceRules(f, missing, p.spare(have, there))
}

// spare returns a filter's rules that are ours and not in the spec, in order.
func (p *planner) spare(have *account.Filter, there map[account.RuleKey]*account.Rule) (spare []*account.Rule) {
	for i := range have.Rules {
		if r := &have.Rules[i]; there[r.Key()] == r && p.Ours(r.Tags) {
			spare = append(spare, r)
		}
	}
	slices.SortFunc(spare, func(a, b *account.Rule) int {
		return cmp.Or(-cmp.Compare(a.Direction, b.Direction), cmp.Compare(a.Number, b.Number), cmp.Compare(a.ID, b.ID))
	})
	return spare
}

// replaceRules turns spare rules into missing ones, those of the same direction first. It then creates or deletes the rest.
func (p *planner) replaceRules(f *spec.Filter, missing []account.Rule, spare []*account.Rule) {
	for _, sameDirection := range []bool{true, false} {
		missing = slices.DeleteFunc(missing, func(want account.Rule) bool {
			i := slices.IndexFunc(spare, func(old *account.Rule) bool { return !sameDirection || old.Direction == want.Direction })
			if i < 0 {
				return false
			}
			p.modifyRule(f, spare[i], want)
			spare = slices.Delete(spare, i, i+1)
			return true
		})
	}
	for _, want := range missing {
		p.add(putRules, f.Name, Change{Op: Create, Kind: KindRule, Name: ruleName(f.Name, &want), ID: want.Filter, Why: want.Describe(), Want: Object{Rule: &want}})
	}
	for _, old := range spare {
		p.deleteRule(f.Name, old, "the spec has no such rule")
	}
}

func ruleName(filter string, r *account.Rule) string {
	return fmt.Sprintf("%s %s %d", filter, r.Direction, r.Number)
}

func (p *planner) modifyRule(f *spec.Filter, old *account.Rule, want account.Rule) {
	want.ID = old.ID
	why := want.Describe()
	if now, then := old.Describe(), why; now != then {
		why = fmt.Sprintf("%s, which was %s", then, now)
	}
	if old.Key() != want.Key() {
		why += fmt.Sprintf(", as %s %d", old.Direction, old.Number)
	}
	p.add(putRules, f.Name, Change{Op: Modify, Kind: KindRule, Name: ruleName(f.Name, &want), ID: old.ID, Why: why,
		Want: Object{Rule: &want}, Have: Object{Rule: old}})
}

func (p *planner) deleteRule(filter string, r *account.Rule, why string) {
	p.add(deleteRules, r.Filter, Change{Op: Delete, Kind: KindRule, Name: ruleName(filter, r), ID: r.ID, Why: why, Have: Object{Rule: r}})
}

// deleteFilter deletes a filter with its rules, unless a session of another owner uses it or it has rules of another owner.
func (p *planner) deleteFilter(f *account.Filter, user string) {
	name := f.Tags[account.NameTag]
	if user != "" {
		p.warnf("filter %s (%s) stays: session %s, which is not ours, uses it", f.ID, name, user)
		return
	}
	for i := range f.Rules {
		if r := &f.Rules[i]; !p.Ours(r.Tags) {
			p.warnf("filter %s (%s) stays: its %s rule %d (%s) is not ours", f.ID, name, r.Direction, r.Number, r.ID)
			return
		}
	}
	for i := range f.Rules {
		p.deleteRule(name, &f.Rules[i], "its filter goes")
	}
	p.add(deleteFilters, f.ID, Change{Op: Delete, Kind: KindFilter, Name: name, ID: f.ID, Why: reason(KindFilter, name, p.filters), Have: Object{Filter: f}})
}
