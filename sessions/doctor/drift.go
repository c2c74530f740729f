package doctor

import (
	"fmt"
	"slices"

	"github.com/mirrorsink/mirrorsink/inspect/strictyaml"
	"github.com/mirrorsink/mirrorsink/sessions"
)

// refused reports what AWS would refuse of the plan.
func (s *setup) refused() (all []Finding) {
	for _, why := range s.Plan.Refusals {
		all = append(all, Finding{
			Subject: s.Spec.File, What: "AWS would refuse the plan: " + why,
			Impact: "apply changes nothing, so everything stays as it is", Remedy: "correct the spec until mirrorsink sessions plan -f " + s.Spec.File + " refuses nothing",
		})
	}
	return all
}

// drift finds differences between the account and the spec.
func (s *setup) drift() []Finding {
	if s.Plan.Empty() {
		return nil
	}
	var missing []string
	for i := range s.Plan.Changes {
		if c := &s.Plan.Changes[i]; c.Op == sessions.Create && c.Kind == sessions.KindSession {
			missing = append(missing, c.Want.Session.Interface)
		}
	}
	impact := "what is mirrored differs from the spec"
	if n := len(missing); n > 0 {
		slices.Sort(missing)
		impact = fmt.Sprintf("%s %s missing, on %s", count(n, "session"), plural(n, "is", "are"), few(slices.Compact(missing)))
	}
	return []Finding{{
		Subject: s.Spec.File, What: "the account differs from the spec: " + s.Plan.Summary(), Impact: impact,
		Remedy: fmt.Sprintf("mirrorsink sessions plan -f %s shows the changes, apply makes them", s.Spec.File),
	}}
}

// unused finds entries of the spec that no session names.
func (s *setup) unused() (all []Finding) {
	used := map[string]bool{}
	for i := range s.Spec.Sessions {
		spec := &s.Spec.Sessions[i]
		used["filter "+spec.Filter], used["target "+spec.Target] = true, true
		for _, name := range spec.ZoneTargets {
			used["target "+name] = true
		}
		for _, name := range spec.Sources {
			used["source "+name] = true
		}
	}
	found := func(kind, name string, at strictyaml.Position, impact string) {
		if !used[kind+" "+name] {
			all = append(all, Finding{Subject: s.where(kind, name, at), What: "no session uses it", Impact: impact, Remedy: "name it in a session, or remove it from the spec"})
		}
	}
	for i := range s.Spec.Targets {
		found("target", s.Spec.Targets[i].Name, s.Spec.Targets[i].At, "nothing is sent to it")
	}
	for i := range s.Spec.Filters {
		found("filter", s.Spec.Filters[i].Name, s.Spec.Filters[i].At, "none by itself; it is likely that another filter was named where this one was meant")
	}
	for i := range s.Spec.Sources {
		found("source", s.Spec.Sources[i].Name, s.Spec.Sources[i].At, "what it chooses is not mirrored, unless another source chooses it too")
	}
	return all
}
