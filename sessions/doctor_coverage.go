package sessions

import (
	"cmp"
	"fmt"
	"slices"
)

// refused passes on what AWS would refuse of the plan.
func (s *setup) refused() (all []Finding) {
	for _, why := range s.plan.Refusals {
		all = append(all, Finding{
			Subject: s.spec.File, What: "AWS would refuse the plan: " + why,
			Cost: "apply changes nothing, so everything stays as it is", Mend: "correct the spec until mirrorsink sessions plan -f " + s.spec.File + " refuses nothing",
		})
	}
	return all
}

// leftOut looks for instances that are mirrored in part. What a source excludes is meant, and a target cannot be a source.
func (s *setup) leftOut() []Finding {
	mirrored, partly := map[string]bool{}, map[string]bool{}
	for _, w := range s.wanted {
		mirrored[w.Interface] = true
		partly[w.eni.Instance] = true
	}
	delete(partly, "")
	targets := map[string]bool{}
	for _, t := range s.targets {
		targets[t.Interface] = true
	}
	var left []string
	instances := map[string]bool{}
	for _, eni := range s.ix.interfaces {
		if partly[eni.Instance] && !mirrored[eni.ID] && !targets[eni.ID] && !s.excluded(eni) && idle(eni, s.ix.instances[eni.Instance]) == "" {
			left = append(left, eni.describe())
			instances[eni.Instance] = true
		}
	}
	if len(left) == 0 {
		return nil
	}
	return []Finding{{
		Subject: s.spec.File,
		What:    fmt.Sprintf("%s mirrored in part: %s", partially(len(instances)), fewOf(left)),
		Cost:    "what goes over these interfaces is not seen, and looks as if it never was",
		Mend:    "leave devices out of the sources, which takes all; choose by tags of the instance, which hold for all its interfaces; or exclude what is not to be seen",
	}}
}

func partially(instances int) string {
	if instances == 1 {
		return "1 instance is"
	}
	return fmt.Sprintf("%d instances are", instances)
}

// fewOf is few for texts that hold commas themselves.
func fewOf(list []string) string {
	if len(list) == 1 {
		return "without " + list[0]
	}
	return fmt.Sprintf("without %s, and %d more", list[0], len(list)-1)
}

// excluded reports whether a source excludes an interface that it would choose otherwise.
func (s *setup) excluded(eni *Interface) bool {
	instance := s.ix.instances[eni.Instance]
	return slices.ContainsFunc(s.spec.Sources, func(source SourceSpec) bool {
		return source.Selector.holds(eni, instance) && slices.ContainsFunc(source.Exclude, func(e Selector) bool { return e.holds(eni, instance) })
	})
}

// idleSources looks for interfaces that are chosen and have nothing to mirror now.
func (s *setup) idleSources() []Finding {
	var list []string
	for _, skip := range s.plan.Skipped {
		if eni := s.ix.byID[skip.Interface]; idle(eni, s.ix.instances[eni.Instance]) != "" {
			list = append(list, fmt.Sprintf("%s (%s)", skip.Interface, skip.Why))
		}
	}
	if len(list) == 0 {
		return nil
	}
	return []Finding{{
		Subject: s.spec.File,
		What:    fmt.Sprintf("%s that sources choose %s nothing to mirror now: %s", count(len(list), "interface"), plural(len(list), "has", "have"), few(list)),
		Cost:    "when they run again they are not mirrored until the spec is applied again",
		Mend:    "mirrorsink sessions watch -f " + s.spec.File + " follows what comes and goes",
	}}
}

// zonesWithoutTarget looks for sources in zones for which a session names no target.
func (s *setup) zonesWithoutTarget() (all []Finding) {
	chosen, _ := choose(s.spec, s.ix)
	for i := range s.spec.Sessions {
		spec := &s.spec.Sessions[i]
		if spec.Target != "" {
			continue
		}
		var without []*wanted
		for _, w := range sourcesOf(spec, chosen) {
			if spec.ZoneTargets[w.eni.Zone] == "" {
				w.Interface = w.eni.ID
				without = append(without, w)
			}
		}
		zones, in := zonesOf(without)
		for _, zone := range zones {
			var ids []string
			for _, w := range without {
				if cmp.Or(w.eni.Zone, "(unknown)") == zone {
					ids = append(ids, w.Interface)
				}
			}
			all = append(all, Finding{
				Subject: s.where("session", spec.Name, spec.At),
				What:    fmt.Sprintf("it has no target for zone %s, where %s: %s", zone, are(in[zone]), few(ids)),
				Cost:    "they are not mirrored",
				Mend:    fmt.Sprintf("name a target for %s in the session; one in another zone does, but traffic between zones costs", zone),
			})
		}
	}
	return all
}

// foreignFirst looks for sessions of others that are asked before ours.
func (s *setup) foreignFirst() []Finding {
	return s.perSession(func(_ *SessionSpec, sources []*wanted) []Finding {
		var before []string
		for _, w := range sources {
			for _, other := range s.ix.onENI[w.Interface] {
				if !s.ours(other.Tags) && other.Number < w.Number {
					before = append(before, fmt.Sprintf("%s (number %d%s) on %s", other.ID, other.Number, ownedBy(other.Tags), w.Interface))
				}
			}
		}
		if len(before) == 0 {
			return nil
		}
		return []Finding{{
			What: fmt.Sprintf("sessions that are not ours come before it: %s", few(before)),
			Cost: "AWS copies a packet once: what their filters take does not reach us",
			Mend: "ask their owner for numbers above ours (aws ec2 modify-traffic-mirror-session --session-number N), or give the session a lower number in the spec",
		}}
	})
}

// drift looks whether the account is as the spec says.
func (s *setup) drift() []Finding {
	if s.plan.Empty() {
		return nil
	}
	var missing []string
	for i := range s.plan.Changes {
		if c := &s.plan.Changes[i]; c.Op == Create && c.Kind == KindSession {
			missing = append(missing, c.Want.Session.Interface)
		}
	}
	cost := "what is mirrored is not what the spec says"
	if n := len(missing); n > 0 {
		slices.Sort(missing)
		cost = fmt.Sprintf("%s missing, on %s", plural(n, "1 session is", fmt.Sprintf("%d sessions are", n)), few(slices.Compact(missing)))
	}
	return []Finding{{
		Subject: s.spec.File, What: "the account differs from the spec: " + s.plan.summary(), Cost: cost,
		Mend: fmt.Sprintf("mirrorsink sessions plan -f %s says how, apply mends it", s.spec.File),
	}}
}

// unused looks for entries of the spec that no session names.
func (s *setup) unused() (all []Finding) {
	used := map[string]bool{}
	for i := range s.spec.Sessions {
		spec := &s.spec.Sessions[i]
		used["filter "+spec.Filter], used["target "+spec.Target] = true, true
		for _, name := range spec.ZoneTargets {
			used["target "+name] = true
		}
		for _, name := range spec.Sources {
			used["source "+name] = true
		}
	}
	found := func(kind, name string, at Position, cost string) {
		if !used[kind+" "+name] {
			all = append(all, Finding{Subject: s.where(kind, name, at), What: "no session uses it", Cost: cost, Mend: "name it in a session, or take it out of the spec"})
		}
	}
	for i := range s.spec.Targets {
		found("target", s.spec.Targets[i].Name, s.spec.Targets[i].At, "nothing is sent to it")
	}
	for i := range s.spec.Filters {
		found("filter", s.spec.Filters[i].Name, s.spec.Filters[i].At, "nothing; it is likely that another one was meant where it is missing")
	}
	for i := range s.spec.Sources {
		found("source", s.spec.Sources[i].Name, s.spec.Sources[i].At, "what it chooses is not mirrored, unless another source chooses it too")
	}
	return all
}
