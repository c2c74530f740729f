package sessions

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/mirrorsink/mirrorsink/sessions/account"
	"github.com/mirrorsink/mirrorsink/sessions/spec"
)

// planSessions plans the changes of sessions, interface by interface, and lists the sessions of other owners.
func (p *planner) planSessions() {
	byENI := byInterface(p.Desired)
	for i := range p.Account.Sessions {
		if s := &p.Account.Sessions[i]; p.Ours(s.Tags) && byENI[s.Interface] == nil {
			byENI[s.Interface] = nil // all of its sessions are deleted
		}
	}
	for _, id := range slices.Sorted(maps.Keys(byENI)) {
		p.planInterface(byENI[id], p.Account.SessionsOn[id])
	}
	p.Plan.Sessions = len(p.Desired)
}

// planInterface plans the changes of one interface in an order in which no session takes a number that another one still has.
func (p *planner) planInterface(want []*Desired, there []*account.Session) {
	taken := map[int]bool{} // numbers
	for _, s := range there {
		switch {
		case !p.Ours(s.Tags):
			taken[s.Number] = true
			if len(want) > 0 {
				p.Plan.Foreign = append(p.Plan.Foreign, *s)
			}
		case p.keep[s.ID]:
			taken[s.Number] = true
		default:
			p.deleteSession(s, want)
		}
	}
	var moves []*Desired
	for _, w := range want {
		if w.have != nil && len(w.differences(p.Account)) > 0 {
			moves = append(moves, w)
		}
	}
	p.modifySessions(moves, taken)
	for _, w := range want {
		if w.have == nil {
			s := w.Session
			p.add(putSessions, w.Interface, Change{Op: Create, Kind: KindSession, Name: w.name(), Want: Object{Session: &s},
				Why: "source " + w.source + " chooses " + w.ENI.Describe()})
		}
	}
}

// modifySessions orders modifications so that the new number of each is free. If sessions exchange their numbers in a cycle, one of them
// first moves to an unused number. A number that another session keeps was refused before, and is not waited for.
func (p *planner) modifySessions(moves []*Desired, taken map[int]bool) {
	free := func(w *Desired) bool { return w.Number == w.have.Number || !taken[w.Number] }
	for aside := map[*Desired]bool{}; len(moves) > 0; {
		i := slices.IndexFunc(moves, free)
		if i < 0 && !aside[moves[0]] {
			aside[moves[0]] = true
			p.stepAside(moves[0], taken)
			continue
		}
		w := moves[max(i, 0)]
		p.modifySession(w, w.Session, strings.Join(w.differences(p.Account), ", "))
		delete(taken, w.have.Number)
		taken[w.Number] = true
		moves = slices.Delete(moves, max(i, 0), max(i, 0)+1)
	}
}

// stepAside moves a session to an unused number temporarily.
func (p *planner) stepAside(w *Desired, taken map[int]bool) {
	aside := *w.have
	for aside.Number = 1; taken[aside.Number]; aside.Number++ {
	}
	p.modifySession(w, aside, fmt.Sprintf("number %d for a moment: sessions change their numbers with each other", aside.Number))
	delete(taken, w.have.Number)
	taken[aside.Number] = true
	w.have = &aside
}

func (p *planner) modifySession(w *Desired, to account.Session, why string) {
	to.ID, to.ChooseVNI = w.have.ID, false
	p.add(putSessions, w.Interface, Change{Op: Modify, Kind: KindSession, Name: w.name(), ID: to.ID, Why: why,
		Want: Object{Session: &to}, Have: Object{Session: w.have}})
}

func (p *planner) deleteSession(s *account.Session, want []*Desired) {
	p.add(deleteSessions, s.Interface, Change{Op: Delete, Kind: KindSession, Name: s.Tags[account.NameTag] + " " + s.Interface, ID: s.ID,
		Why: p.unwanted(s, want), Have: Object{Session: s}})
}

// unwanted returns why a session is deleted.
func (p *planner) unwanted(s *account.Session, want []*Desired) string {
	name := s.Tags[account.NameTag]
	eni := p.Account.InterfaceByID[s.Interface]
	if eni == nil {
		return s.Interface + " is gone"
	}
	if why := p.Account.Idle(eni); why != "" {
		return why + ", and the session would go on being billed"
	}
	if !slices.ContainsFunc(p.Spec.Sessions, func(s spec.Session) bool { return s.Name == name }) {
		return "the spec has no session " + name + " any more"
	}
	if slices.ContainsFunc(want, func(w *Desired) bool { return w.Spec.Name == name }) {
		return "another one is the same"
	}
	return "no source chooses " + s.Interface + " any more"
}

func (w *Desired) name() string { return w.Spec.Name + " " + w.Interface }

// differences lists how the existing session differs from the desired one.
func (w *Desired) differences(ix *account.Index) (list []string) {
	changed := func(what, then, now string) {
		if then != now {
			list = append(list, fmt.Sprintf("%s %s instead of %s", what, now, then))
		}
	}
	if w.have.Target != w.Target {
		then := w.have.Target
		if ix.TargetByID[then] == nil {
			then += ", which is gone"
		}
		changed("target", then, account.ReferenceName(w.Target))
	}
	changed("filter", w.have.Filter, account.ReferenceName(w.Filter))
	changed("number", strconv.Itoa(w.have.Number), strconv.Itoa(w.Number))
	changed("packet length", length(w.have.PacketLength), length(w.PacketLength))
	changed("VNI", strconv.Itoa(int(w.have.VNI)), strconv.Itoa(int(w.VNI)))
	return list
}

func length(bytes int) string {
	if bytes == 0 {
		return "none"
	}
	return strconv.Itoa(bytes)
}
