package sessions

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
)

// wanted is a session that the spec asks for.
type wanted struct {
	Session              // as it is to be
	eni     *Interface   // what it mirrors
	spec    *SessionSpec // whose it is
	source  string       // that chose the interface
	have    *Session     // nil if there is none
}

// want lists the sessions that the spec asks for, in the order of the spec and of interfaces, with all that has to be chosen
// for them: target, number and VNI.
func (d *differ) want(chosen choice) []*wanted {
	var all []*wanted
	for i := range d.spec.Sessions {
		spec := &d.spec.Sessions[i]
		for _, w := range sourcesOf(spec, chosen) {
			target := d.targetIn(spec, w.eni)
			if target == "" {
				continue
			}
			w.Session = Session{Interface: w.eni.ID, Target: target, Filter: d.filters[spec.Filter], PacketLength: spec.PacketLength, Tags: d.tags(spec.Name)}
			all = append(all, w)
		}
	}
	byENI := byInterface(all)
	for _, id := range slices.Sorted(maps.Keys(byENI)) {
		d.match(byENI[id], d.ix.onENI[id])
		d.number(byENI[id], d.ix.onENI[id])
	}
	d.chooseVNIs(all)
	for _, w := range all {
		d.settle(w)
	}
	return all
}

// sourcesOf returns the interfaces that a session's sources choose, each once.
func sourcesOf(spec *SessionSpec, chosen choice) []*wanted {
	first := map[string]*wanted{}
	for _, source := range spec.Sources {
		for _, eni := range chosen.bySource[source] {
			if first[eni.ID] == nil {
				first[eni.ID] = &wanted{eni: eni, spec: spec, source: source}
			}
		}
	}
	return slices.SortedFunc(maps.Values(first), func(a, b *wanted) int { return cmp.Compare(a.eni.ID, b.eni.ID) })
}

// targetIn returns the target to which an interface's copies go; "" if there is none in its zone, which is told.
func (d *differ) targetIn(spec *SessionSpec, eni *Interface) string {
	if spec.Target != "" {
		return d.targets[spec.Target]
	}
	if name := spec.ZoneTargets[eni.Zone]; name != "" {
		return d.targets[name]
	}
	why := "session " + spec.Name + " has no target for zone " + cmp.Or(eni.Zone, "(unknown)")
	d.plan.Skipped = append(d.plan.Skipped, Skip{eni.ID, why})
	return ""
}

// byInterface groups sessions, in their order, by what they mirror.
func byInterface(all []*wanted) map[string][]*wanted {
	byENI := map[string][]*wanted{}
	for _, w := range all {
		byENI[w.Interface] = append(byENI[w.Interface], w)
	}
	return byENI
}

// match finds what there is of an interface's wanted sessions: ours of the same name, if there are several the one with the
// wanted number or else the first.
func (d *differ) match(want []*wanted, there []*Session) {
	for _, w := range want {
		for _, s := range there {
			if d.ours(s.Tags) && s.Tags.has(NameTag, w.spec.Name) && (w.have == nil || s.Number == w.spec.Number) {
				w.have = s
			}
		}
		if w.have != nil {
			d.stays[w.have.ID] = true
		}
	}
}

// number gives each of an interface's wanted sessions its number: that of the spec; else the one that it has; else the lowest
// that is free.
func (d *differ) number(want []*wanted, there []*Session) {
	taken := map[int]string{}
	for _, s := range there {
		if !d.ours(s.Tags) {
			taken[s.Number] = "session " + s.ID + ", which is not ours"
		}
	}
	for _, w := range want {
		if w.Number = w.spec.Number; w.Number == 0 {
			continue
		}
		if by := taken[w.Number]; by != "" {
			d.refusef("session %s on %s: number %d is taken by %s", w.spec.Name, w.Interface, w.Number, by)
		}
		taken[w.Number] = "session " + w.spec.Name
	}
	for _, w := range want {
		if w.Number == 0 && w.have != nil && taken[w.have.Number] == "" {
			w.Number = w.have.Number
			taken[w.Number] = "session " + w.spec.Name
		}
	}
	for _, w := range want {
		for n := 1; w.Number == 0; n++ {
			if taken[n] == "" {
				w.Number = n
				taken[n] = "session " + w.spec.Name
			}
		}
	}
}

// chooseVNIs gives each wanted session its VNI. One from a range is kept as long as no other session that we see has it.
func (d *differ) chooseVNIs(all []*wanted) {
	users := map[uint32]int{} // of VNIs: sessions that stay as they are, or that have been given one
	for i := range d.ix.Sessions {
		if s := &d.ix.Sessions[i]; !d.ours(s.Tags) {
			users[s.VNI]++
		}
	}
	for _, w := range all { // before the choice from ranges, wherever they stand in the spec
		if w.spec.VNI.one() {
			w.VNI = w.spec.VNI.From
			users[w.VNI]++
		}
	}
	var unassigned []*wanted
	for _, w := range all {
		switch r := w.spec.VNI; {
		case r.one():
		case w.have == nil && !r.Set:
			w.ChooseVNI = true
		case w.have == nil || r.Set && (!r.has(w.have.VNI) || users[w.have.VNI] > 0):
			unassigned = append(unassigned, w)
		default:
			w.VNI = w.have.VNI
			users[w.VNI]++
		}
	}
	d.assignVNIs(unassigned, users)
}

// assignVNIs gives each session the lowest VNI of its range that nobody has.
func (d *differ) assignVNIs(unassigned []*wanted, users map[uint32]int) {
	next := map[string]uint32{} // by the spec's session: everything below it is given
	without := map[string][]string{}
	for _, w := range unassigned {
		r := w.spec.VNI
		vni := max(r.From, next[w.spec.Name])
		for vni <= r.To && users[vni] > 0 {
			vni++
		}
		next[w.spec.Name] = vni
		if vni > r.To {
			without[w.spec.Name] = append(without[w.spec.Name], w.Interface)
			continue
		}
		w.VNI = vni
		users[vni]++
	}
	for i := range d.spec.Sessions {
		spec := &d.spec.Sessions[i]
		if enis := without[spec.Name]; len(enis) > 0 {
			d.refusef("session %s: no VNI of %d-%d is left for %s; give it a larger range", spec.Name, spec.VNI.From, spec.VNI.To, some(enis))
		}
	}
}

// some names the first of many.
func some(list []string) string {
	if len(list) == 1 {
		return list[0]
	}
	return fmt.Sprintf("%s and %d more", list[0], len(list)-1)
}

// settle takes over what AWS fills in by itself: the packet length of a session to a Network Load Balancer. A target that is
// not to be seen, since another account shares it, may be one.
func (d *differ) settle(w *wanted) {
	if w.have == nil || w.PacketLength != 0 || w.have.PacketLength != MaxPacketLength {
		return
	}
	if t := d.addressed(w.Target); t.LoadBalancer != "" || t.Address() == "" {
		w.PacketLength = MaxPacketLength
	}
}
