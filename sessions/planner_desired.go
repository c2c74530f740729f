package sessions

import (
	"cmp"
	"maps"
	"slices"

	"github.com/mirrorsink/mirrorsink/sessions/account"
	"github.com/mirrorsink/mirrorsink/sessions/spec"
)

// desire lists the sessions that the spec asks for, in the order of the spec and of interfaces. It chooses the target, number and VNI of
// each.
func (p *planner) desire(chosen choice) {
	for i := range p.Spec.Sessions {
		spec := &p.Spec.Sessions[i]
		for _, w := range sourcesOf(spec, chosen) {
			target := p.targetIn(spec, w.ENI)
			if target == "" {
				p.WithoutTarget[spec] = append(p.WithoutTarget[spec], w.ENI)
				continue
			}
			w.Session = account.Session{Interface: w.ENI.ID, Target: target, Filter: p.filters[spec.Filter], PacketLength: spec.PacketLength, Tags: p.Tags(spec.Name)}
			p.Desired = append(p.Desired, w)
		}
	}
	byENI := byInterface(p.Desired)
	for _, id := range slices.Sorted(maps.Keys(byENI)) {
		p.match(byENI[id], p.Account.SessionsOn[id])
		p.number(byENI[id], p.Account.SessionsOn[id])
	}
	p.chooseVNIs()
	for _, w := range p.Desired {
		p.fillDefaults(w)
	}
}

// sourcesOf returns the interfaces that a session's sources choose, each once.
func sourcesOf(spec *spec.Session, chosen choice) []*Desired {
	first := map[string]*Desired{}
	for _, source := range spec.Sources {
		for _, eni := range chosen.bySource[source] {
			if first[eni.ID] == nil {
				first[eni.ID] = &Desired{ENI: eni, Spec: spec, source: source}
			}
		}
	}
	return slices.SortedFunc(maps.Values(first), func(a, b *Desired) int { return cmp.Compare(a.ENI.ID, b.ENI.ID) })
}

// targetIn returns the target for an interface, or "" if the session names none for its zone. In that case the interface is skipped.
func (p *planner) targetIn(spec *spec.Session, eni *account.Interface) string {
	if spec.Target != "" {
		return p.targets[spec.Target]
	}
	if name := spec.ZoneTargets[eni.Zone]; name != "" {
		return p.targets[name]
	}
	why := "session " + spec.Name + " has no target for zone " + cmp.Or(eni.Zone, "(unknown)")
	p.Plan.Skipped = append(p.Plan.Skipped, Skip{eni.ID, why})
	return ""
}

// byInterface groups sessions by their interface and keeps their order.
func byInterface(all []*Desired) map[string][]*Desired {
	byENI := map[string][]*Desired{}
	for _, w := range all {
		byENI[w.Interface] = append(byENI[w.Interface], w)
	}
	return byENI
}

// match finds the existing session for each desired session of an interface: ours with the same name. If there are several, it takes the
// one with the desired number, or else the first.
func (p *planner) match(want []*Desired, there []*account.Session) {
	for _, w := range want {
		for _, s := range there {
			if p.Ours(s.Tags) && s.Tags.Has(account.NameTag, w.Spec.Name) && (w.have == nil || s.Number == w.Spec.Number) {
				w.have = s
			}
		}
		if w.have != nil {
			p.keep[w.have.ID] = true
		}
	}
}

// number assigns a number to each desired session of an interface: the one in the spec, else the one that the session has, else the lowest
// free one.
func (p *planner) number(want []*Desired, there []*account.Session) {
	taken := map[int]string{}
	for _, s := range there {
		if !p.Ours(s.Tags) {
			taken[s.Number] = "session " + s.ID + ", which is not ours"
		}
	}
	for _, w := range want {
		if w.Number = w.Spec.Number; w.Number == 0 {
			continue
		}
		if by := taken[w.Number]; by != "" {
			p.refusef("session %s on %s: number %d is taken by %s", w.Spec.Name, w.Interface, w.Number, by)
		}
		taken[w.Number] = "session " + w.Spec.Name
	}
	for _, w := range want {
		if w.Number == 0 && w.have != nil && taken[w.have.Number] == "" {
			w.Number = w.have.Number
			taken[w.Number] = "session " + w.Spec.Name
		}
	}
	for _, w := range want {
		for n := 1; w.Number == 0; n++ {
			if taken[n] == "" {
				w.Number = n
				taken[n] = "session " + w.Spec.Name
			}
		}
	}
}

// chooseVNIs assigns a VNI to each desired session. A session keeps a VNI from its range unless another visible session has it too.
func (p *planner) chooseVNIs() {
	users := map[uint32]int{} // by VNI: sessions of others, and ours that have their VNI
	for i := range p.Account.Sessions {
		if s := &p.Account.Sessions[i]; !p.Ours(s.Tags) {
			users[s.VNI]++
		}
	}
	for _, w := range p.Desired { // before the choice from ranges, whatever their order in the spec
		if w.Spec.VNI.Shared() {
			w.VNI = w.Spec.VNI.From
			users[w.VNI]++
		}
	}
	var unassigned []*Desired
	for _, w := range p.Desired {
		switch r := w.Spec.VNI; {
		case r.Shared():
		case w.have == nil && !r.Set:
			w.ChooseVNI = true
		case w.have == nil || r.Set && (!r.Contains(w.have.VNI) || users[w.have.VNI] > 0):
			unassigned = append(unassigned, w)
		default:
			w.VNI = w.have.VNI
			users[w.VNI]++
		}
	}
	p.assignVNIs(unassigned, users)
}

// assignVNIs assigns the lowest free VNI of its range to each session.
func (p *planner) assignVNIs(unassigned []*Desired, users map[uint32]int) {
	next := map[string]uint32{} // by the spec's session: all VNIs below it are assigned
	without := map[string][]string{}
	for _, w := range unassigned {
		r := w.Spec.VNI
		vni := max(r.From, next[w.Spec.Name])
		for vni <= r.To && users[vni] > 0 {
			vni++
		}
		next[w.Spec.Name] = vni
		if vni > r.To {
			without[w.Spec.Name] = append(without[w.Spec.Name], w.Interface)
			continue
		}
		w.VNI = vni
		users[vni]++
	}
	for i := range p.Spec.Sessions {
		spec := &p.Spec.Sessions[i]
		if enis := without[spec.Name]; len(enis) > 0 {
			p.refusef("session %s: no VNI of %d-%d is left for %s; give it a larger range", spec.Name, spec.VNI.From, spec.VNI.To, firstOf(enis))
		}
	}
}

// fillDefaults takes over the packet length that AWS sets by itself for a session to a Network Load Balancer. A target that is not visible,
// since another account shares it, may be such a balancer.
func (p *planner) fillDefaults(w *Desired) {
	if w.have == nil || w.PacketLength != 0 || w.have.PacketLength != account.MaxPacketLength {
		return
	}
	if t := p.Target(w.Target); t.LoadBalancer != "" || t.Address() == "" {
		w.PacketLength = account.MaxPacketLength
	}
}
