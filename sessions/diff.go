package sessions

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Diff compares what is wanted with what is there. It is a pure function: the same spec and state give the same plan. An
// error says what is wrong with the spec in this state, one line for each; what AWS would refuse is in the plan's Refusals.
func Diff(spec *Spec, have *State) (*Plan, error) {
	d, _, err := compare(spec, have)
	if err != nil {
		return nil, err
	}
	return d.plan, nil
}

// compare makes the plan, and tells how it came about: what was chosen and wanted.
func compare(spec *Spec, have *State) (*differ, []*wanted, error) {
	d := &differ{
		spec: spec, ix: newIndex(have), plan: &Plan{Owner: spec.Owner, Account: have.account(), Region: have.Region, Changes: []Change{}},
		targets: map[string]string{}, filters: map[string]string{}, stays: map[string]bool{},
	}
	chosen, errs := choose(spec, d.ix)
	if err := errors.Join(errs...); err != nil {
		return nil, nil, err
	}
	d.plan.Skipped = chosen.skipped
	d.diffTargets()
	d.diffFilters()
	wanted := d.want(chosen)
	d.diffSessions(wanted)
	d.dropTheRest()
	d.refuse(wanted)
	for _, changes := range d.phases {
		d.plan.Changes = append(d.plan.Changes, changes...)
	}
	return d, wanted, nil
}

// DiffNothing is the plan that takes away all that is an owner's.
func DiffNothing(owner string, have *State) *Plan {
	plan, _ := Diff(&Spec{Owner: owner}, have) // without sources nothing can be wrong with it
	return plan
}

// differ gathers a plan.
type differ struct {
	spec    *Spec
	ix      *index
	plan    *Plan
	phases  [numPhases][]Change
	targets map[string]string // what sessions refer to, by the spec's name: an ID, or "target/name" of one to be made
	filters map[string]string
	stays   map[string]bool // IDs of what is ours and stays
}

func (d *differ) add(p phase, lane string, c Change) {
	c.phase, c.lane = p, lane
	d.phases[p] = append(d.phases[p], c)
}

func (d *differ) refusef(format string, args ...any) {
	d.plan.Refusals = append(d.plan.Refusals, fmt.Sprintf(format, args...))
}

func (d *differ) warnf(format string, args ...any) {
	d.plan.Warnings = append(d.plan.Warnings, fmt.Sprintf(format, args...))
}

func (d *differ) ours(t Tags) bool { return t.has(OwnerTag, d.spec.Owner) }

// tags are those of what is made.
func (d *differ) tags(name string) Tags { return Tags{OwnerTag: d.spec.Owner, NameTag: name} }

// diffTargets finds the target of each of the spec's names. A target cannot be modified, so one of the same name and another
// address goes, once the sessions have left it.
func (d *differ) diffTargets() {
	for i := range d.spec.Targets {
		t := &d.spec.Targets[i]
		if t.ID != "" {
			d.targets[t.Name], d.stays[t.ID] = t.ID, true // ours or not: one that we made may be named by its ID later
			if d.ix.targets[t.ID] == nil {
				d.warnf("target %s: %s is not to be seen from this account and region; it should be another account's that is shared with this one", t.Name, t.ID)
			}
			continue
		}
		want := Target{Interface: t.Interface, LoadBalancer: t.LoadBalancer, Endpoint: t.Endpoint, Tags: d.tags(t.Name)}
		if have := d.ourTarget(t.Name, want.Address()); have != nil {
			d.targets[t.Name], d.stays[have.ID] = have.ID, true
			continue
		}
		d.targets[t.Name] = "target/" + t.Name
		d.add(makeTargets, t.Name, Change{Op: Create, Kind: KindTarget, Name: t.Name, Want: Object{Target: &want}, Why: "there is no target for " + want.Address() + " yet"})
	}
}

func (d *differ) ourTarget(name, address string) *Target {
	return best(d.ix.Targets, d.ix.uses, func(t *Target) (string, bool) {
		return t.ID, d.ours(t.Tags) && t.Tags.has(NameTag, name) && t.Address() == address
	})
}

// dropTheRest deletes what is ours and is not wanted any more. What others still use stays.
func (d *differ) dropTheRest() {
	users := map[string]string{} // of targets and filters: a session that is not ours
	for i := range d.ix.Sessions {
		if s := &d.ix.Sessions[i]; !d.ours(s.Tags) {
			users[s.Target], users[s.Filter] = s.ID, s.ID
		}
	}
	for i := range d.ix.Filters {
		if f := &d.ix.Filters[i]; d.ours(f.Tags) && !d.stays[f.ID] {
			d.dropFilter(f, users[f.ID])
		}
	}
	for i := range d.ix.Targets {
		t := &d.ix.Targets[i]
		switch user := users[t.ID]; {
		case !d.ours(t.Tags) || d.stays[t.ID]:
		case user != "":
			d.warnf("target %s (%s) stays: session %s, which is not ours, sends to it", t.ID, t.Tags[NameTag], user)
		default:
			d.add(dropTargets, t.ID, Change{Op: Delete, Kind: KindTarget, Name: t.Tags[NameTag], ID: t.ID, Have: Object{Target: t}, Why: d.gone("targets", t.Tags[NameTag])})
		}
	}
	for p := range d.phases {
		if p >= int(dropRules) {
			slices.SortStableFunc(d.phases[p], func(a, b Change) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID)) })
		}
	}
}

// gone says why something goes.
func (d *differ) gone(section, name string) string {
	if section == "targets" && d.targets[name] != "" || section == "filters" && d.filters[name] != "" {
		return "another one has taken its place"
	}
	return fmt.Sprintf("the spec has no %s %s any more", strings.TrimSuffix(section, "s"), name)
}

// joined is a list as people write it.
func joined(parts []string) string { return strings.Join(parts, ", ") }
