package sessions

import (
	"maps"
	"slices"
)

// maxSessions is AWS's quota of an account and region.
const maxSessions = 10_000

// refuse says what AWS would refuse of the sessions as they would be.
func (d *differ) refuse(all []*wanted) {
	perENI := map[string]int{}
	total := len(all)
	for i := range d.ix.Sessions {
		if s := &d.ix.Sessions[i]; !d.ours(s.Tags) {
			perENI[s.Interface]++
			total++
		}
	}
	for _, w := range all {
		perENI[w.Interface]++
		if perENI[w.Interface] == MaxSessionsPerInterface+1 {
			d.refusef("%s: more than %d sessions, those of others included; AWS allows no more on an interface", w.Interface, MaxSessionsPerInterface)
		}
		d.refuseSession(w)
	}
	if total > maxSessions {
		d.refusef("%d sessions, those of others included; AWS allows %d in an account and region", total, maxSessions)
	}
	d.refuseBothEnds(all)
	d.refuseSources(all)
	d.warnSameVNI(all)
	d.warnForeignFirst(all)
}

// refuseSession looks at what one session asks for.
func (d *differ) refuseSession(w *wanted) {
	if w.PacketLength <= MaxPacketLength {
		return
	}
	if d.addressed(w.Target).LoadBalancer != "" {
		d.refusef("session %s: packet-length %d; to a Network Load Balancer AWS allows %d", w.spec.Name, w.PacketLength, MaxPacketLength)
	}
}

// addressed returns the target behind a session's reference: one that is there, or what the spec says of one to be made.
func (d *differ) addressed(ref string) Target {
	if t := d.ix.targets[ref]; t != nil {
		return *t
	}
	for i := range d.spec.Targets {
		if t := &d.spec.Targets[i]; d.targets[t.Name] == ref {
			return Target{ID: t.ID, Interface: t.Interface, LoadBalancer: t.LoadBalancer, Endpoint: t.Endpoint}
		}
	}
	return Target{}
}

// refuseBothEnds finds interfaces that would be source and target.
func (d *differ) refuseBothEnds(all []*wanted) {
	targets := map[string]string{}
	for i := range d.ix.Targets {
		targets[d.ix.Targets[i].Interface] = d.ix.Targets[i].ID
	}
	for _, t := range d.spec.Targets {
		targets[t.Interface] = t.Name
	}
	delete(targets, "")
	said := map[string]bool{}
	for _, w := range all {
		if target := targets[w.Interface]; target != "" && !said[w.Interface] {
			said[w.Interface] = true
			d.refusef("%s is a mirror target (%s) and cannot be a source as well; exclude it from source %s", w.Interface, target, w.source)
		}
	}
	sources := map[string]string{}
	for i := range d.ix.Sessions {
		if s := &d.ix.Sessions[i]; !d.ours(s.Tags) {
			sources[s.Interface] = s.ID
		}
	}
	for _, c := range d.phases[makeTargets] {
		if session := sources[c.Want.Target.Interface]; session != "" {
			d.refusef("target %s: %s is mirrored by session %s, which is not ours, and cannot be a target as well", c.Name, c.Want.Target.Interface, session)
		}
	}
}

// refuseSources counts the sources of interface targets.
func (d *differ) refuseSources(all []*wanted) {
	sources := map[string]map[string]bool{} // by target
	add := func(target, eni string) {
		if sources[target] == nil {
			sources[target] = map[string]bool{}
		}
		sources[target][eni] = true
	}
	for i := range d.ix.Sessions {
		if s := &d.ix.Sessions[i]; !d.ours(s.Tags) {
			add(s.Target, s.Interface)
		}
	}
	used := map[string]bool{}
	for _, w := range all {
		add(w.Target, w.Interface)
		used[w.Target] = true
	}
	for _, ref := range slices.Sorted(maps.Keys(used)) {
		t := d.addressed(ref)
		switch n := len(sources[ref]); {
		case t.Interface == "":
		case n > MaxSourcesPerInterface:
			d.refusef("target %s: %d sources; AWS allows %d on the largest instance types and %d on others; use a Network Load Balancer", t.Interface, n, MaxSourcesPerInterface, UsualSourcesPerInterface)
		case n > UsualSourcesPerInterface:
			d.warnf("target %s: %d sources; only the largest instance types take more than %d", t.Interface, n, UsualSourcesPerInterface)
		}
	}
}

// warnSameVNI tells of sessions of one interface whose copies could not be told apart.
func (d *differ) warnSameVNI(all []*wanted) {
	type key struct {
		eni string
		vni uint32
	}
	seen := map[key]string{}
	for _, w := range all {
		if w.ChooseVNI {
			continue
		}
		k := key{w.Interface, w.VNI}
		if other := seen[k]; other != "" {
			d.warnf("%s: sessions %s and %s have the same VNI %d; which of them a copy is of cannot be told", w.Interface, other, w.spec.Name, w.VNI)
		}
		seen[k] = w.spec.Name
	}
}

// warnForeignFirst tells of interfaces at which a session of others is asked before ours: AWS mirrors a packet once, for the
// session of the lowest number whose filter matches.
func (d *differ) warnForeignFirst(all []*wanted) {
	seen := map[string]bool{}
	for _, w := range all {
		for _, s := range d.ix.onENI[w.Interface] {
			if !d.ours(s.Tags) && s.Number < w.Number {
				seen[w.Interface] = true
			}
		}
	}
	if first := slices.Sorted(maps.Keys(seen)); len(first) > 0 {
		d.warnf("on %s a session that is not ours has a lower number: packets that its filter takes do not come to us", some(first))
	}
}
