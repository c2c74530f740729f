package sessions

import (
	"cmp"
	"maps"
	"slices"
)

// choice is what the sources of a spec come to.
type choice struct {
	bySource map[string][]*Interface // in the order of IDs; those that cannot be mirrored now are left out
	skipped  []Skip
}

// choose finds the interfaces of every source. An error is that a source has none, unless it is optional: more often a
// mistake than a wish.
func choose(spec *Spec, ix *index) (choice, []error) {
	c := choice{bySource: map[string][]*Interface{}}
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
		for _, eni := range ix.interfaces {
			if !source.holds(eni, ix.instances[eni.Instance]) {
				continue
			}
			matched++
			if why := idle(eni, ix.instances[eni.Instance]); why != "" {
				if used[source.Name] {
					skipped[eni.ID] = why
				}
				continue
			}
			c.bySource[source.Name] = append(c.bySource[source.Name], eni)
		}
		if matched == 0 && !source.Optional {
			errs = append(errs, spec.errorAt(source.At,
				"source %s matches no network interface; correct it, or say \"optional: true\" if it may be empty", source.Name))
		}
	}
	for _, id := range slices.Sorted(maps.Keys(skipped)) {
		c.skipped = append(c.skipped, Skip{id, skipped[id]})
	}
	return c, errs
}

// neverMirrored are types of interfaces that a choice by VPC or subnet meets and EC2 refuses, in the API's spelling and in the
// SDK's. Everything else is left to EC2 to say, since it is its to change.
var neverMirrored = []string{"nat_gateway", "natGateway", "gateway_load_balancer_endpoint"}

// idle says why an interface has nothing to mirror now. A session on it would be billed all the same.
func idle(eni *Interface, instance *Instance) string {
	switch {
	case slices.Contains(neverMirrored, eni.Type):
		return "EC2 mirrors no interface of type " + eni.Type
	case eni.Status != "" && eni.Status != "in-use":
		return "the interface is " + eni.Status
	case instance != nil && instance.State != "" && instance.State != "running" && instance.State != "pending":
		return "its instance " + instance.ID + " is " + instance.State
	}
	return ""
}

// holds reports whether a source chooses an interface. instance is nil for one that is attached to none of ours.
func (s *SourceSpec) holds(eni *Interface, instance *Instance) bool {
	if !s.Selector.holds(eni, instance) || len(s.Devices) > 0 && !slices.Contains(s.Devices, eni.Device) {
		return false
	}
	return !slices.ContainsFunc(s.Exclude, func(e Selector) bool { return e.holds(eni, instance) })
}

func (s *Selector) holds(eni *Interface, instance *Instance) bool {
	var tags Tags
	if instance != nil {
		tags = instance.Tags
	}
	for k, v := range s.Tags {
		if !eni.Tags.has(k, v) && !tags.has(k, v) {
			return false
		}
	}
	return among(s.Interfaces, eni.ID) && among(s.Instances, eni.Instance) && among(s.Groups, tags[groupTag]) &&
		among(s.VPCs, eni.VPC) && among(s.Subnets, eni.Subnet) && among(s.Types, eni.Type)
}

// among reports whether a list that asks for something has the value.
func among(list []string, value string) bool {
	return len(list) == 0 || value != "" && slices.Contains(list, value)
}

// index is a state by its IDs.
type index struct {
	*State
	interfaces []*Interface // in the order of IDs
	byID       map[string]*Interface
	instances  map[string]*Instance
	onENI      map[string][]*Session // by interface, in the order of numbers
	targets    map[string]*Target
	uses       map[string]int // of targets and filters, by sessions
}

func newIndex(s *State) *index {
	ix := &index{State: s, byID: make(map[string]*Interface, len(s.Interfaces)), instances: make(map[string]*Instance, len(s.Instances)),
		onENI: make(map[string][]*Session, len(s.Interfaces)), targets: make(map[string]*Target, len(s.Targets)), uses: map[string]int{}}
	for i := range s.Interfaces {
		eni := &s.Interfaces[i]
		ix.interfaces, ix.byID[eni.ID] = append(ix.interfaces, eni), eni
	}
	slices.SortFunc(ix.interfaces, func(a, b *Interface) int { return cmp.Compare(a.ID, b.ID) })
	for i := range s.Instances {
		ix.instances[s.Instances[i].ID] = &s.Instances[i]
	}
	for i := range s.Sessions {
		session := &s.Sessions[i]
		ix.onENI[session.Interface] = append(ix.onENI[session.Interface], session)
		ix.uses[session.Target]++
		ix.uses[session.Filter]++
	}
	for _, list := range ix.onENI {
		slices.SortFunc(list, func(a, b *Session) int { return cmp.Or(cmp.Compare(a.Number, b.Number), cmp.Compare(a.ID, b.ID)) })
	}
	for i := range s.Targets {
		ix.targets[s.Targets[i].ID] = &s.Targets[i]
	}
	return ix
}

// best returns the entry that most sessions use among those that are meant, and of equals the one with the lowest ID. There
// should be one at most; a program that died between a call and its answer may have left two.
func best[T any](list []T, uses map[string]int, meant func(*T) (id string, ok bool)) *T {
	var first *T
	firstID := ""
	for i := range list {
		id, ok := meant(&list[i])
		if ok && (first == nil || cmp.Or(-cmp.Compare(uses[id], uses[firstID]), cmp.Compare(id, firstID)) < 0) {
			first, firstID = &list[i], id
		}
	}
	return first
}
