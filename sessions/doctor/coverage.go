package doctor

import (
	"fmt"
	"slices"

	"github.com/mirrorsink/mirrorsink/sessions"
	"github.com/mirrorsink/mirrorsink/sessions/account"
	"github.com/mirrorsink/mirrorsink/sessions/spec"
)

// leftOut finds instances of which only some interfaces are mirrored. Interfaces that a source excludes, and targets, which cannot be
// sources, do not count.
func (s *setup) leftOut() []Finding {
	mirrored, partly := map[string]bool{}, map[string]bool{}
	for _, w := range s.Desired {
		mirrored[w.Interface] = true
		partly[w.ENI.Instance] = true
	}
	delete(partly, "")
	targets := map[string]bool{}
	for _, t := range s.targets {
		targets[t.Interface] = true
	}
	var left []string
	instances := map[string]bool{}
	for _, eni := range s.Account.Sorted {
		if partly[eni.Instance] && !mirrored[eni.ID] && !targets[eni.ID] && !s.excluded(eni) && s.Account.Idle(eni) == "" {
			left = append(left, eni.Describe())
			instances[eni.Instance] = true
		}
	}
	if len(left) == 0 {
		return nil
	}
	without := left[0]
	if len(left) > 1 {
		without = fmt.Sprintf("%s, and %d more", left[0], len(left)-1)
	}
	n := len(instances)
	return []Finding{{
		Subject: s.Spec.File,
		What:    fmt.Sprintf("%s %s mirrored in part: without %s", count(n, "instance"), plural(n, "is", "are"), without),
		Impact:  "traffic over these interfaces is not seen, as if there were none",
		Remedy:  "leave devices out of the sources, which takes all; choose by tags of the instance, which hold for all its interfaces; or exclude what is not to be seen",
	}}
}

// excluded reports whether a source excludes an interface that its selector matches.
func (s *setup) excluded(eni *account.Interface) bool {
	instance := s.Account.InstanceByID[eni.Instance]
	return slices.ContainsFunc(s.Spec.Sources, func(source spec.Source) bool {
		return source.Selector.Matches(eni, instance) && source.Excludes(eni, instance)
	})
}

// idleSources finds chosen interfaces that have nothing to mirror now.
func (s *setup) idleSources() []Finding {
	var list []string
	for _, skip := range s.Plan.Skipped {
		if s.Account.Idle(s.Account.InterfaceByID[skip.Interface]) != "" {
			list = append(list, fmt.Sprintf("%s (%s)", skip.Interface, skip.Why))
		}
	}
	if len(list) == 0 {
		return nil
	}
	return []Finding{{
		Subject: s.Spec.File,
		What:    fmt.Sprintf("%s that sources choose %s nothing to mirror now: %s", count(len(list), "interface"), plural(len(list), "has", "have"), few(list)),
		Impact:  "when they run again they are not mirrored until the spec is applied again",
		Remedy:  "mirrorsink sessions watch -f " + s.Spec.File + " follows interfaces as they come and go",
	}}
}

// zonesWithoutTarget finds sources in zones for which a session names no target.
func (s *setup) zonesWithoutTarget() (all []Finding) {
	for i := range s.Spec.Sessions {
		spec := &s.Spec.Sessions[i]
		zones, in := byZone(s.WithoutTarget[spec])
		for _, zone := range zones {
			all = append(all, Finding{
				Subject: s.where("session", spec.Name, spec.At),
				What:    fmt.Sprintf("it has no target for zone %s, where %s: %s", zone, sourcesAre(len(in[zone])), few(idsOf(in[zone]))),
				Impact:  "they are not mirrored",
				Remedy:  fmt.Sprintf("name a target for %s in the session; one in another zone works, but traffic between zones costs", zone),
			})
		}
	}
	return all
}

// foreignFirst finds sessions of other owners that EC2 evaluates before ours.
func (s *setup) foreignFirst() []Finding {
	return s.perSession(func(_ *spec.Session, sources []*sessions.Desired) []Finding {
		var before []string
		for _, w := range sources {
			for _, other := range s.Account.SessionsOn[w.Interface] {
				if !s.Ours(other.Tags) && other.Number < w.Number {
					before = append(before, fmt.Sprintf("%s (number %d%s) on %s", other.ID, other.Number, other.Tags.OwnedBy(), w.Interface))
				}
			}
		}
		if len(before) == 0 {
			return nil
		}
		return []Finding{{
			What:   fmt.Sprintf("sessions that are not ours come before it: %s", few(before)),
			Impact: "AWS copies a packet once: packets that their filters accept do not reach us",
			Remedy: "ask their owner for numbers above ours (aws ec2 modify-traffic-mirror-session --session-number N), or give the session a lower number in the spec",
		}}
	})
}
