package sessions

import (
	"cmp"
	"fmt"
	"slices"
)

// diffFilters finds the filter of each of the spec's names, and brings its rules and network services in line.
func (d *differ) diffFilters() {
	for i := range d.spec.Filters {
		f := &d.spec.Filters[i]
		have := d.ourFilter(f.Name)
		if have == nil {
			have = &Filter{ID: "filter/" + f.Name}
			d.add(makeFilters, f.Name, Change{Op: Create, Kind: KindFilter, Name: f.Name, Why: "there is no such filter yet",
				Want: Object{Filter: &Filter{Tags: d.tags(f.Name)}}})
		}
		d.filters[f.Name], d.stays[have.ID] = have.ID, true
		d.diffRules(f, have)
		d.diffServices(f, have)
	}
}

func (d *differ) ourFilter(name string) *Filter {
	return best(d.ix.Filters, d.ix.uses, func(f *Filter) (string, bool) { return f.ID, d.ours(f.Tags) && f.Tags.has(NameTag, name) })
}

// diffServices turns Amazon's DNS on or off.
func (d *differ) diffServices(f *FilterSpec, have *Filter) {
	if slices.Contains(have.Services, AmazonDNS) == f.AmazonDNS {
		return
	}
	want := Filter{ID: have.ID}
	why := "lookups at the VPC's resolver are not wanted"
	if f.AmazonDNS {
		want.Services = []string{AmazonDNS}
		why = "without it no lookup at the VPC's resolver is mirrored, and every connection looks as if it had none"
	}
	d.add(setServices, f.Name, Change{Op: Modify, Kind: KindServices, Name: f.Name, ID: have.ID, Why: why,
		Want: Object{Filter: &want}, Have: Object{Filter: &Filter{ID: have.ID, Services: have.Services}}})
}

// ruleKey is what a filter has one rule of.
type ruleKey struct {
	direction string
	number    int
}

func (r *Rule) key() ruleKey { return ruleKey{r.Direction, r.Number} }

// diffRules brings a filter's rules in line. A rule that is not wanted is modified into one that is, number and direction
// included, as long as there are both: so the filter never has more rules than AWS allows.
func (d *differ) diffRules(f *FilterSpec, have *Filter) {
	there := map[ruleKey]*Rule{}
	foreign := 0
	for i := range have.Rules {
		r := &have.Rules[i]
		there[r.key()] = r
		if !d.ours(r.Tags) {
			foreign++
		}
	}
	var missing []Rule
	for _, want := range f.Rules {
		want.Filter, want.Tags = have.ID, d.tags(f.Name)
		old := there[want.key()]
		switch {
		case old == nil:
			missing = append(missing, want)
			continue
		case !d.ours(old.Tags):
			d.refusef("filter %s: %s rule %d is there (%s) and not ours; delete it, or give ours another number", f.Name, want.Direction, want.Number, old.ID)
		case !old.same(&want):
			d.modifyRule(f, old, want)
		}
		delete(there, want.key())
	}
	if n := len(f.Rules) + foreign; n > MaxRulesPerFilter {
		d.refusef("filter %s: %d rules, of which %d are not ours; AWS allows %d", f.Name, n, foreign, MaxRulesPerFilter)
	}
	d.replaceRules(f, missing, d.spare(have, there))
}

// spare are a filter's rules that are ours and not wanted, in their order.
func (d *differ) spare(have *Filter, there map[ruleKey]*Rule) (spare []*Rule) {
	for i := range have.Rules {
		if r := &have.Rules[i]; there[r.key()] == r && d.ours(r.Tags) {
			spare = append(spare, r)
		}
	}
	slices.SortFunc(spare, func(a, b *Rule) int {
		return cmp.Or(-cmp.Compare(a.Direction, b.Direction), cmp.Compare(a.Number, b.Number), cmp.Compare(a.ID, b.ID))
	})
	return spare
}

// replaceRules makes missing rules of spare ones, those of the same direction first, then makes or deletes what is left.
func (d *differ) replaceRules(f *FilterSpec, missing []Rule, spare []*Rule) {
	for _, sameDirection := range []bool{true, false} {
		missing = slices.DeleteFunc(missing, func(want Rule) bool {
			i := slices.IndexFunc(spare, func(old *Rule) bool { return !sameDirection || old.Direction == want.Direction })
			if i < 0 {
				return false
			}
			d.modifyRule(f, spare[i], want)
			spare = slices.Delete(spare, i, i+1)
			return true
		})
	}
	for _, want := range missing {
		d.add(makeRules, f.Name, Change{Op: Create, Kind: KindRule, Name: f.ruleName(&want), ID: want.Filter, Why: want.describe(), Want: Object{Rule: &want}})
	}
	for _, old := range spare {
		d.dropRule(f.Name, old, "the spec has no such rule")
	}
}

func (f *FilterSpec) ruleName(r *Rule) string { return ruleName(f.Name, r) }

func ruleName(filter string, r *Rule) string {
	return fmt.Sprintf("%s %s %d", filter, r.Direction, r.Number)
}

func (d *differ) modifyRule(f *FilterSpec, old *Rule, want Rule) {
	want.ID = old.ID
	why := want.describe()
	if now, then := old.describe(), why; now != then {
		why = fmt.Sprintf("%s, which was %s", then, now)
	}
	if old.key() != want.key() {
		why += fmt.Sprintf(", as %s %d", old.Direction, old.Number)
	}
	d.add(makeRules, f.Name, Change{Op: Modify, Kind: KindRule, Name: f.ruleName(&want), ID: old.ID, Why: why,
		Want: Object{Rule: &want}, Have: Object{Rule: old}})
}

func (d *differ) dropRule(filter string, r *Rule, why string) {
	d.add(dropRules, r.Filter, Change{Op: Delete, Kind: KindRule, Name: ruleName(filter, r), ID: r.ID, Why: why, Have: Object{Rule: r}})
}

// dropFilter deletes a filter with its rules, unless somebody else needs it.
func (d *differ) dropFilter(f *Filter, user string) {
	name := f.Tags[NameTag]
	if user != "" {
		d.warnf("filter %s (%s) stays: session %s, which is not ours, uses it", f.ID, name, user)
		return
	}
	for i := range f.Rules {
		if r := &f.Rules[i]; !d.ours(r.Tags) {
			d.warnf("filter %s (%s) stays: its %s rule %d (%s) is not ours", f.ID, name, r.Direction, r.Number, r.ID)
			return
		}
	}
	for i := range f.Rules {
		d.dropRule(name, &f.Rules[i], "its filter goes")
	}
	d.add(dropFilters, f.ID, Change{Op: Delete, Kind: KindFilter, Name: name, ID: f.ID, Why: d.gone("filters", name), Have: Object{Filter: f}})
}

// same reports whether two rules of a number do the same.
func (r *Rule) same(o *Rule) bool {
	return r.Action == o.Action && r.Protocol == o.Protocol && r.Source == o.Source && r.Destination == o.Destination &&
		r.SourcePorts.same(o.SourcePorts) && r.DestinationPorts.same(o.DestinationPorts)
}

func (p *PortRange) same(o *PortRange) bool { return p == o || p != nil && o != nil && *p == *o }

// describe says what a rule does, in one phrase.
func (r *Rule) describe() string {
	return fmt.Sprintf("%s %s %s%s to %s%s", r.Action, protocolName(r.Protocol), r.Source, r.SourcePorts, r.Destination, r.DestinationPorts)
}

// String is how a port range follows an address; it is empty for all ports.
func (p *PortRange) String() string {
	switch {
	case p == nil:
		return ""
	case p.From == p.To:
		return fmt.Sprintf(":%d", p.From)
	}
	return fmt.Sprintf(":%d-%d", p.From, p.To)
}
