package sessions

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/mirrorsink/mirrorsink/sessions/account"
	"github.com/mirrorsink/mirrorsink/sessions/spec"
)

// planner collects the changes of a comparison.
type planner struct {
	*Comparison
	phases [numPhases][]Change
	keep   map[string]bool // IDs of our resources that stay
	uses   map[string]int  // of targets and filters, by existing sessions
}

func newPlanner(want *spec.Spec, have *account.State) *planner {
	p := &planner{
		Comparison: &Comparison{
			Spec: want, Account: account.NewIndex(have), Plan: &Plan{Owner: want.Owner, Account: have.AccountID(), Region: have.Region, Changes: []Change{}},
			WithoutTarget: map[*spec.Session][]*account.Interface{}, targets: map[string]string{}, filters: map[string]string{},
		},
		keep: map[string]bool{}, uses: map[string]int{},
	}
	for i := range have.Sessions {
		p.uses[have.Sessions[i].Target]++
		p.uses[have.Sessions[i].Filter]++
	}
	return p
}

func (p *planner) add(ph phase, lane string, c Change) {
	c.phase, c.lane = ph, lane
	p.phases[ph] = append(p.phases[ph], c)
}

func (p *planner) refusef(format string, args ...any) {
	p.Plan.Refusals = append(p.Plan.Refusals, fmt.Sprintf(format, args...))
}

func (p *planner) warnf(format string, args ...any) {
	p.Plan.Warnings = append(p.Plan.Warnings, fmt.Sprintf(format, args...))
}

// deleteUnused deletes our targets and filters that the spec does not name, unless a session of another owner uses them.
func (p *planner) deleteUnused() {
	users := map[string]string{} // of targets and filters: a session that is not ours
	for i := range p.Account.Sessions {
		if s := &p.Account.Sessions[i]; !p.Ours(s.Tags) {
			users[s.Target], users[s.Filter] = s.ID, s.ID
		}
	}
	for i := range p.Account.Filters {
		if f := &p.Account.Filters[i]; p.Ours(f.Tags) && !p.keep[f.ID] {
			p.deleteFilter(f, users[f.ID])
		}
	}
	for i := range p.Account.Targets {
		if t := &p.Account.Targets[i]; p.Ours(t.Tags) && !p.keep[t.ID] {
			p.deleteTarget(t, users[t.ID])
		}
	}
	for ph := deleteRules; ph < numPhases; ph++ {
		slices.SortStableFunc(p.phases[ph], func(a, b Change) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID)) })
	}
}

// reason returns why a target or filter is deleted. ids are those of the spec by name.
func reason(kind Kind, name string, ids map[string]string) string {
	if ids[name] != "" {
		return "another one has taken its place"
	}
	return fmt.Sprintf("the spec has no %s %s any more", kind, name)
}

// mostUsed returns the entry that most sessions use among those that match, and of equals the one with the lowest ID. There is at most
// one match, unless a program ended between a call and its answer and left a second.
func mostUsed[T any](list []T, uses map[string]int, match func(*T) (id string, ok bool)) *T {
	var first *T
	firstID := ""
	for i := range list {
		id, ok := match(&list[i])
		if ok && (first == nil || cmp.Or(-cmp.Compare(uses[id], uses[firstID]), cmp.Compare(id, firstID)) < 0) {
			first, firstID = &list[i], id
		}
	}
	return first
}

// firstOf returns the first element of a list, and how many more there are.
func firstOf(list []string) string {
	if len(list) == 1 {
		return list[0]
	}
	return fmt.Sprintf("%s and %d more", list[0], len(list)-1)
}
