package sessions

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// diffSessions brings the sessions in line, interface by interface, and lists those of others.
func (d *differ) diffSessions(all []*wanted) {
	byENI := byInterface(all)
	for i := range d.ix.Sessions {
		if s := &d.ix.Sessions[i]; d.ours(s.Tags) && byENI[s.Interface] == nil {
			byENI[s.Interface] = nil // whose sessions all go
		}
	}
	for _, id := range slices.Sorted(maps.Keys(byENI)) {
		d.diffInterface(byENI[id], d.ix.onENI[id])
	}
	d.plan.Sessions = len(all)
}

// diffInterface makes the changes of one interface in an order in which no session takes a number that another one still has.
func (d *differ) diffInterface(want []*wanted, there []*Session) {
	taken := map[int]bool{} // numbers
	for _, s := range there {
		switch {
		case !d.ours(s.Tags):
			taken[s.Number] = true
			if len(want) > 0 {
				d.plan.Foreign = append(d.plan.Foreign, *s)
			}
		case d.stays[s.ID]:
			taken[s.Number] = true
		default:
			d.dropSession(s, want)
		}
	}
	var moves []*wanted
	for _, w := range want {
		if w.have != nil && len(w.differences(d)) > 0 {
			moves = append(moves, w)
		}
	}
	d.modifySessions(moves, taken)
	for _, w := range want {
		if w.have == nil {
			s := w.Session
			d.add(makeSessions, w.Interface, Change{Op: Create, Kind: KindSession, Name: w.name(), Want: Object{Session: &s},
				Why: "source " + w.source + " chooses " + w.eni.describe()})
		}
	}
}

// modifySessions modifies first what waits for no other one. Where sessions wait for each other's numbers in a circle, one is
// moved out of the way. A number that somebody keeps was refused before, and is waited for no longer.
func (d *differ) modifySessions(moves []*wanted, taken map[int]bool) {
	free := func(w *wanted) bool { return w.Number == w.have.Number || !taken[w.Number] }
	for aside := map[*wanted]bool{}; len(moves) > 0; {
		i := slices.IndexFunc(moves, free)
		if i < 0 && !aside[moves[0]] {
			aside[moves[0]] = true
			d.stepAside(moves[0], taken)
			continue
		}
		w := moves[max(i, 0)]
		d.modifySession(w, w.Session, joined(w.differences(d)))
		delete(taken, w.have.Number)
		taken[w.Number] = true
		moves = slices.Delete(moves, max(i, 0), max(i, 0)+1)
	}
}

// stepAside gives a session a number that nobody has, for a moment.
func (d *differ) stepAside(w *wanted, taken map[int]bool) {
	aside := *w.have
	for aside.Number = 1; taken[aside.Number]; aside.Number++ {
	}
	d.modifySession(w, aside, fmt.Sprintf("number %d for a moment: sessions change their numbers with each other", aside.Number))
	delete(taken, w.have.Number)
	taken[aside.Number] = true
	w.have = &aside
}

func (d *differ) modifySession(w *wanted, to Session, why string) {
	to.ID, to.ChooseVNI = w.have.ID, false
	d.add(makeSessions, w.Interface, Change{Op: Modify, Kind: KindSession, Name: w.name(), ID: to.ID, Why: why,
		Want: Object{Session: &to}, Have: Object{Session: w.have}})
}

func (d *differ) dropSession(s *Session, want []*wanted) {
	d.add(dropSessions, s.Interface, Change{Op: Delete, Kind: KindSession, Name: s.Tags[NameTag] + " " + s.Interface, ID: s.ID,
		Why: d.unwanted(s, want), Have: Object{Session: s}})
}

// unwanted says why a session goes.
func (d *differ) unwanted(s *Session, want []*wanted) string {
	name := s.Tags[NameTag]
	eni := d.ix.byID[s.Interface]
	if eni == nil {
		return s.Interface + " is gone"
	}
	if why := idle(eni, d.ix.instances[eni.Instance]); why != "" {
		return why + ", and the session would go on being billed"
	}
	if find(d.spec.Sessions, func(spec *SessionSpec) bool { return spec.Name == name }) == nil {
		return "the spec has no session " + name + " any more"
	}
	if slices.ContainsFunc(want, func(w *wanted) bool { return w.spec.Name == name }) {
		return "another one is the same"
	}
	return "no source chooses " + s.Interface + " any more"
}

func (w *wanted) name() string { return w.spec.Name + " " + w.Interface }

// describe says what an interface belongs to.
func (i *Interface) describe() string {
	if i.Instance == "" {
		return i.ID
	}
	return fmt.Sprintf("%s, device %d of %s", i.ID, i.Device, i.Instance)
}

// differences says how what is there differs from what is wanted.
func (w *wanted) differences(d *differ) (list []string) {
	changed := func(what, then, now string) {
		if then != now {
			list = append(list, fmt.Sprintf("%s %s instead of %s", what, now, then))
		}
	}
	if w.have.Target != w.Target {
		then := w.have.Target
		if d.ix.targets[then] == nil {
			then += ", which is gone"
		}
		changed("target", then, named(w.Target))
	}
	changed("filter", w.have.Filter, named(w.Filter))
	changed("number", strconv.Itoa(w.have.Number), strconv.Itoa(w.Number))
	changed("packet length", length(w.have.PacketLength), length(w.PacketLength))
	changed("VNI", strconv.Itoa(int(w.have.VNI)), strconv.Itoa(int(w.VNI)))
	return list
}

// named is an ID, or the name of what does not exist yet.
func named(ref string) string { return ref[strings.Index(ref, "/")+1:] }

func length(bytes int) string {
	if bytes == 0 {
		return "none"
	}
	return strconv.Itoa(bytes)
}
