package sessions

import (
	"maps"
	"slices"

	"github.com/mirrorsink/mirrorsink/sessions/account"
	"github.com/mirrorsink/mirrorsink/sessions/spec"
)

// choice is the result of a spec's sources in an account.
type choice struct {
	bySource map[string][]*account.Interface // in the order of IDs, without those that cannot be mirrored now
	skipped  []Skip
}

// choose finds the interfaces of every source. It returns an error for each source that matches none and is not optional, since that
// is more often a mistake than intended.
func choose(spec *spec.Spec, ix *account.Index) (choice, []error) {
	c := choice{bySource: map[string][]*account.Interface{}}
	used := map[string]bool{} // sources, by sessions
	for i := range spec.Sessions {
		for _, source := range spec.Sessions[i].Sources {
			used[source] = true
		}
	}
	skipped := map[string]string{}
	var errs []error
	for i := range spec.Sources {
		source := &spec.Sources[i]
		matched := 0
		for _, eni := range ix.Sorted {
			if !source.Matches(eni, ix.InstanceByID[eni.Instance]) {
				continue
			}
			matched++
			if why := ix.Idle(eni); why != "" {
				if used[source.Name] {
					skipped[eni.ID] = why
				}
				continue
			}
			c.bySource[source.Name] = append(c.bySource[source.Name], eni)
		}
		if matched == 0 && !source.Optional {
			errs = append(errs, spec.Errorf(source.At,
				"source %s matches no network interface; correct it, or say \"optional: true\" if it may be empty", source.Name))
		}
	}
	for _, id := range slices.Sorted(maps.Keys(skipped)) {
		c.skipped = append(c.skipped, Skip{id, skipped[id]})
	}
	return c, errs
}
