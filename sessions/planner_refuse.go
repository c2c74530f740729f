package sessions

import (
	"maps"
	"slices"

	"github.com/mirrorsink/mirrorsink/sessions/account"
)

// refuse adds what AWS would refuse of the desired sessions to the plan.
func (p *planner) refuse() {
	perENI := map[string]int{}
	total := len(p.Desired)
	for i := range p.Account.Sessions {
		if s := &p.Account.Sessions[i]; !p.Ours(s.Tags) {
			perENI[s.Interface]++
			total++
		}
	}
	for _, w := range p.Desired {
		perENI[w.Interface]++
		if perENI[w.Interface] == account.MaxSessionsPerInterface+1 {
			p.refusef("%s: more than %d sessions, those of others included; AWS allows no more on an interface", w.Interface, account.MaxSessionsPerInterface)
		}
		p.refuseSession(w)
	}
	if total > account.MaxSessions {
		p.refusef("%d sessions, those of others included; AWS allows %d in an account and region", total, account.MaxSessions)
	}
	p.refuseBothEnds()
	p.refuseSources()
	p.refuseLoops()
	p.warnSameVNI()
	p.warnForeignFirst()
}

// refuseSession checks one session by itself.
func (p *planner) refuseSession(w *Desired) {
	if w.PacketLength <= account.MaxPacketLength {
		return
	}
	if p.Target(w.Target).LoadBalancer != "" {
		p.refusef("session %s: packet-length %d; to a Network Load Balancer AWS allows %d", w.Spec.Name, w.PacketLength, account.MaxPacketLength)
	}
}

// refuseBothEnds finds interfaces that would be both source and target.
func (p *planner) refuseBothEnds() {
	targets := map[string]string{}
	for i := range p.Account.Targets {
		targets[p.Account.Targets[i].Interface] = p.Account.Targets[i].ID
	}
	for _, t := range p.Spec.Targets {
		targets[t.Interface] = t.Name
	}
	delete(targets, "")
	reported := map[string]bool{}
	for _, w := range p.Desired {
		if target := targets[w.Interface]; target != "" && !reported[w.Interface] {
			reported[w.Interface] = true
			p.refusef("%s is a mirror target (%s) and cannot be a source as well; exclude it from source %s", w.Interface, target, w.source)
		}
	}
	sources := map[string]string{}
	for i := range p.Account.Sessions {
		if s := &p.Account.Sessions[i]; !p.Ours(s.Tags) {
			sources[s.Interface] = s.ID
		}
	}
	for _, c := range p.phases[createTargets] {
		if session := sources[c.Want.Target.Interface]; session != "" {
			p.refusef("target %s: %s is mirrored by session %s, which is not ours, and cannot be a target as well", c.Name, c.Want.Target.Interface, session)
		}
	}
}

// refuseSources checks the number of sources of each interface target.
func (p *planner) refuseSources() {
	sources := map[string]map[string]bool{} // by target
	add := func(target, eni string) {
		if sources[target] == nil {
			sources[target] = map[string]bool{}
		}
		sources[target][eni] = true
	}
	for i := range p.Account.Sessions {
		if s := &p.Account.Sessions[i]; !p.Ours(s.Tags) {
			add(s.Target, s.Interface)
		}
	}
	used := map[string]bool{}
	for _, w := range p.Desired {
		add(w.Target, w.Interface)
		used[w.Target] = true
	}
	for _, ref := range slices.Sorted(maps.Keys(used)) {
		t := p.Target(ref)
		switch n := len(sources[ref]); {
		case t.Interface == "":
		case n > account.MaxSourcesPerInterface:
			p.refusef("target %s: %d sources; AWS allows %d on the largest instance types and %d on others; use a Network Load Balancer", t.Interface, n, account.MaxSourcesPerInterface, account.UsualSourcesPerInterface)
		case n > account.UsualSourcesPerInterface:
			p.warnf("target %s: %d sources; only the largest instance types take more than %d", t.Interface, n, account.UsualSourcesPerInterface)
		}
	}
}

// warnSameVNI warns of sessions of one interface with the same VNI: their copies cannot be distinguished.
func (p *planner) warnSameVNI() {
	type key struct {
		eni string
		vni uint32
	}
	seen := map[key]string{}
	for _, w := range p.Desired {
		if w.ChooseVNI {
			continue
		}
		k := key{w.Interface, w.VNI}
		if other := seen[k]; other != "" {
			p.warnf("%s: sessions %s and %s have the same VNI %d; their copies cannot be distinguished", w.Interface, other, w.Spec.Name, w.VNI)
		}
		seen[k] = w.Spec.Name
	}
}

// warnForeignFirst warns of interfaces on which EC2 evaluates a session of another owner before ours. AWS mirrors a packet once, for the
// session with the lowest number whose filter matches.
func (p *planner) warnForeignFirst() {
	seen := map[string]bool{}
	for _, w := range p.Desired {
		for _, s := range p.Account.SessionsOn[w.Interface] {
			if !p.Ours(s.Tags) && s.Number < w.Number {
				seen[w.Interface] = true
			}
		}
	}
	if first := slices.Sorted(maps.Keys(seen)); len(first) > 0 {
		p.warnf("on %s a session that is not ours has a lower number: packets that its filter takes do not come to us", firstOf(first))
	}
}
