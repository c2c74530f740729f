package account

import (
	"cmp"
	"slices"
)

// Index finds the parts of a state by their IDs.
type Index struct {
	*State
	Sorted        []*Interface // in the order of IDs
	InterfaceByID map[string]*Interface
	InstanceByID  map[string]*Instance
	TargetByID    map[string]*Target
	FilterByID    map[string]*Filter
	SessionsOn    map[string][]*Session // by interface, in the order of numbers
}

// NewIndex indexes a state. The index shares its memory.
func NewIndex(s *State) *Index {
	ix := &Index{
		State:         s,
		InterfaceByID: byID(s.Interfaces, func(i *Interface) string { return i.ID }),
		InstanceByID:  byID(s.Instances, func(i *Instance) string { return i.ID }),
		TargetByID:    byID(s.Targets, func(t *Target) string { return t.ID }),
		FilterByID:    byID(s.Filters, func(f *Filter) string { return f.ID }),
		SessionsOn:    make(map[string][]*Session, len(s.Interfaces)),
	}
	for i := range s.Interfaces {
		ix.Sorted = append(ix.Sorted, &s.Interfaces[i])
	}
	slices.SortFunc(ix.Sorted, func(a, b *Interface) int { return cmp.Compare(a.ID, b.ID) })
	for i := range s.Sessions {
		session := &s.Sessions[i]
		ix.SessionsOn[session.Interface] = append(ix.SessionsOn[session.Interface], session)
	}
	for _, list := range ix.SessionsOn {
		slices.SortFunc(list, func(a, b *Session) int { return cmp.Or(cmp.Compare(a.Number, b.Number), cmp.Compare(a.ID, b.ID)) })
	}
	return ix
}

func byID[T any](list []T, id func(*T) string) map[string]*T {
	m := make(map[string]*T, len(list))
	for i := range list {
		m[id(&list[i])] = &list[i]
	}
	return m
}

// Idle returns the reason why an interface has nothing to mirror now, or "".
func (ix *Index) Idle(eni *Interface) string { return eni.idle(ix.InstanceByID[eni.Instance]) }
