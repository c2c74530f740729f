package policy

import "slices"

// Decide judges a flow. It is a function of the policy and the facts alone.
//
// The order: is it outbound, is it egress, whose is it, is it exempt. Then an address rule that allows the flow is certain, whatever its
// name. Then a name from the flow itself decides, SNI before HTTP host; without one, the names that were looked up for the address. What
// is doubtful ends as inconclusive with its reason, never as allowed or not allowed.
func (p *Policy) Decide(f *Flow) Verdict {
	if f.Opened == OpenedThere {
		return Verdict{}
	}
	v := Verdict{}
	if notEgress(f) {
		return v.byAddress(f).as(Exempt, NotEgress)
	}
	at, known := p.workload(&f.Source)
	switch {
	case !known:
		return v.judged(f).as(Inconclusive, Workloads)
	case at >= 0:
		v.Workload = p.Workloads[at].Name
	case len(p.Workloads) > 0:
		return v.judged(f).as(Exempt, NoWorkload)
	}
	j := judgement{policy: p, flow: f, workload: at}
	if p.exempt.byAddr(f.Addr, f.Service, forEveryone) >= 0 {
		return v.byAddress(f).as(Exempt, ExemptTo)
	}
	v = v.judged(f)
	if own(v.By) && !f.Disputed && !f.Hidden && p.exempt.byName(v.To, forEveryone) >= 0 {
		return v.as(Exempt, ExemptTo)
	}
	if f.Opened == OpenedUnknown {
		return v.as(Inconclusive, Initiator)
	}
	return j.decide(v)
}

// Destination returns the destination of a flow as it is judged if its address alone decides nothing: the name from the flow, else one
// that was looked up for the address, else the address.
func (f *Flow) Destination() (to string, by Evidence) {
	if n := observed(f.Names.SNI); n != "" {
		return n, BySNI
	}
	if n := observed(f.Names.Host); n != "" {
		return n, ByHost
	}
	for _, lookup := range f.Names.Lookups {
		if n := observed(lookup); n != "" {
			return n, ByLookup
		}
	}
	return f.address(), ByAddress
}

// address returns the destination's address; "" if it is not known.
func (f *Flow) address() string {
	if !f.Addr.IsValid() {
		return ""
	}
	return f.Addr.Unmap().String()
}

// judged returns the verdict about the destination as it is judged if its address alone decides nothing.
func (v Verdict) judged(f *Flow) Verdict {
	v.To, v.By = f.Destination()
	return v
}

// byAddress returns the verdict about the destination's address.
func (v Verdict) byAddress(f *Flow) Verdict {
	v.To, v.By = f.address(), ByAddress
	return v
}

func (v Verdict) as(k Kind, r Reason) Verdict {
	v.Kind, v.Reason = k, r
	return v
}

// notEgress reports whether a destination is no host: multicast or broadcast.
func notEgress(f *Flow) bool {
	a := f.Addr.Unmap()
	return a.IsMulticast() || a.IsUnspecified() || a.Is4() && a.As4() == [4]byte{255, 255, 255, 255}
}

// judgement is the judging of one flow.
type judgement struct {
	policy   *Policy
	flow     *Flow
	workload int
}

// own reports whether evidence is a name from the flow itself.
func own(by Evidence) bool { return by == BySNI || by == ByHost }

// question asks for rules for the flow's workload.
func (j *judgement) question(fits func(rule int) bool) question {
	return question{j.policy.audiences.around(j.workload), fits}
}

// fitting asks for rules for the flow's workload, protocol and port.
func (j *judgement) fitting() question { return j.question(j.fits) }

// fits reports whether a rule is for the flow's protocol and port.
func (j *judgement) fits(rule int) bool {
	ports := j.policy.Allow[rule].Ports
	return len(ports) == 0 || slices.ContainsFunc(ports, func(p Ports) bool { return p.contains(j.flow.Protocol, j.flow.Port) })
}

// AllowsAddress returns the first rule that allows a flow by its address alone: a network, an AWS service, private, or any. ok is false if
// there is none.
func (p *Policy) AllowsAddress(f *Flow) (rule string, ok bool) {
	at, _ := p.workload(&f.Source)
	j := judgement{policy: p, flow: f, workload: at}
	if r := p.allow.byAddr(f.Addr, f.Service, j.fitting()); r >= 0 {
		return p.Allow[r].Name, true
	}
	return "", false
}

// AllowsName returns the first rule that allows a name to a flow's workload on its port. ok is false if there is none.
func (p *Policy) AllowsName(f *Flow, name string) (rule string, ok bool) {
	at, _ := p.workload(&f.Source)
	j := judgement{policy: p, flow: f, workload: at}
	if r := p.allow.byName(observed(name), j.fitting()); r >= 0 {
		return p.Allow[r].Name, true
	}
	return "", false
}

// ListsName reports whether any rule has a name, whatever its workloads and ports.
func (p *Policy) ListsName(name string) bool {
	return p.allow.hasName(observed(name))
}

// decide judges a flow that is outbound and not exempt.
func (j *judgement) decide(v Verdict) Verdict {
	f, x := j.flow, j.policy.allow
	if rule := x.byAddr(f.Addr, f.Service, j.fitting()); rule >= 0 {
		return j.allowed(v.byAddress(f), rule)
	}
	switch {
	case !f.Services && x.hasServices(j.fitting()):
		return v.as(Inconclusive, NoRanges)
	case f.Disputed:
		return v.as(Inconclusive, DisputedName)
	case f.Hidden:
		return v.as(Inconclusive, EncryptedName)
	case own(v.By):
		return j.byName(v, v.To)
	case f.Late:
		return v.as(Inconclusive, BeganBefore)
	}
	return j.byLookups(v)
}

func (j *judgement) allowed(v Verdict, rule int) Verdict {
	v.Kind, v.Rule = Allowed, j.policy.Allow[rule].Name
	return v
}

// byName judges by one name.
func (j *judgement) byName(v Verdict, name string) Verdict {
	if rule := j.policy.allow.byName(name, j.fitting()); rule >= 0 {
		return j.allowed(v, rule)
	}
	return v.as(NotAllowed, j.why(name))
}

// why returns the reason why a destination is not allowed: a rule may have it on other ports. A rule for any destination says nothing of
// this one.
func (j *judgement) why(name string) Reason {
	x := j.policy.allow
	named := j.question(func(rule int) bool { return !x.any.has(rule) })
	if name != "" && x.byName(name, named) >= 0 || x.byAddr(j.flow.Addr, j.flow.Service, named) >= 0 {
		return WrongPort
	}
	return NoRule
}

// byLookups judges by the names that were looked up for the address. One of them that is allowed is enough, as it is for a resolver's
// client: it asked for the name and connects to an address that it was given for it.
func (j *judgement) byLookups(v Verdict) Verdict {
	for _, lookup := range j.flow.Names.Lookups {
		name := observed(lookup)
		if name == "" {
			continue
		}
		if rule := j.policy.allow.byName(name, j.fitting()); rule >= 0 {
			v.To, v.By = name, ByLookup
			return j.allowed(v, rule)
		}
	}
	if v.By == ByLookup {
		return v.as(NotAllowed, j.why(v.To))
	}
	if j.flow.NoDNS {
		return v.as(Inconclusive, NoDNSSeen)
	}
	return v.as(NotAllowed, j.why(""))
}
