package policy

import (
	"fmt"
	"slices"

	"github.com/mirrorsink/mirrorsink/inspect/strictyaml"
)

// Finding is a remark on a policy that parses: a test that fails, or a part that has no effect.
type Finding struct {
	At   Position
	Text string
	Fail bool // the policy does not do what its author expects; otherwise it is a remark
}

// Check runs the policy's tests, and looks for rules and workloads without effect and for wildcards that let strangers in.
func (p *Policy) Check() (all []Finding) {
	for i := range p.Tests {
		t := &p.Tests[i]
		if v := p.Decide(t.flow()); v.Kind != t.Want {
			all = append(all, Finding{t.At, fmt.Sprintf("from %s to %s: want %v, and it is %s", orAny(t.From), t.To, t.Want, v.Explain()), true})
		}
	}
	all = append(all, p.unreachableRules()...)
	all = append(all, p.unusedWorkloads()...)
	for i := range p.Allow {
		for k := range p.Allow[i].To {
			if d := &p.Allow[i].To[k]; d.shared() {
				all = append(all, Finding{p.Allow[i].At, fmt.Sprintf("%s: %s is shared by many customers of one provider, so this allows strangers' hosts too: name yours", p.Allow[i].Name, d), false})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b Finding) int { return a.At.Line - b.At.Line })
	return all
}

func orAny(workload string) string {
	if workload == "" {
		return everyone
	}
	return workload
}

// flow returns the facts of a test: all that a flow to the destination could show, seen whole.
func (t *Test) flow() *Flow {
	return &Flow{
		Source: Source{Workload: t.From}, Addr: t.Addr, Protocol: t.Protocol, Port: t.Port, Services: true, Names: Names{SNI: t.Name},
		Opened: OpenedHere,
	}
}

// unreachableRules finds rules that an earlier rule covers: everything that they allow is allowed without them.
func (p *Policy) unreachableRules() (all []Finding) {
	for i := range p.Allow {
		r := &p.Allow[i]
		var by []string
		for k := range r.To {
			cover := p.coveredBy(i, &r.To[k])
			if cover == "" {
				by = nil
				break
			}
			if !slices.Contains(by, cover) {
				by = append(by, cover)
			}
		}
		if len(by) > 0 {
			all = append(all, Finding{r.At, fmt.Sprintf("%s has no effect: %s allows all of it already", r.Name, joined(by)), false})
		}
	}
	return all
}

func joined(names []string) string {
	text := names[0]
	for _, n := range names[1:] {
		text += " and " + n
	}
	return text
}

// coveredBy returns the name of an earlier rule that allows a destination of a rule to the same workloads on the same ports; "" if there
// is none.
func (p *Policy) coveredBy(rule int, d *Destination) string {
	r := &p.Allow[rule]
	for _, i := range p.allow.candidates(d) {
		earlier := &p.Allow[i]
		if int(i) < rule && p.audiences.covers(earlier.audience, r.audience) && earlier.coversPorts(r) &&
			slices.ContainsFunc(earlier.To, func(e Destination) bool { return e.Covers(d) }) {
			return earlier.Name
		}
	}
	return ""
}

// coversPorts reports whether a rule is for all ports of another.
func (r *Rule) coversPorts(o *Rule) bool {
	if len(r.Ports) == 0 {
		return true
	}
	return len(o.Ports) > 0 && !slices.ContainsFunc(o.Ports, func(want Ports) bool {
		return !slices.ContainsFunc(r.Ports, func(have Ports) bool { return have.covers(want) })
	})
}

func (p Ports) covers(o Ports) bool {
	return p.From <= o.From && o.To <= p.To && (p.Protocol == 0 || p.Protocol == o.Protocol)
}

// Covers reports whether a destination has all that another has.
func (d *Destination) Covers(o *Destination) bool {
	switch {
	case d.Any:
		return true
	case o.Name != "" && d.Name != "":
		return d.coversName(o)
	case d.Network.IsValid() && o.Network.IsValid():
		return d.Network.Bits() <= o.Network.Bits() && d.Network.Contains(o.Network.Addr())
	case d.Service != "":
		return o.Service == d.Service
	case d.Private:
		return o.Private
	default:
		return false
	}
}

func (d *Destination) coversName(o *Destination) bool {
	if d.Below && below(o.Name, d.Name) {
		return true
	}
	return d.Name == o.Name && (d.Below || !o.Below) && (d.Apex || !o.Apex)
}

// below reports whether a name is below a domain.
func below(name, domain string) bool {
	return len(name) > len(domain) && name[len(name)-len(domain)-1] == '.' && name[len(name)-len(domain):] == domain
}

// unusedWorkloads finds workloads for which no rule allows anything, though rules are for others.
func (p *Policy) unusedWorkloads() (all []Finding) {
	if slices.ContainsFunc(p.Allow, func(r Rule) bool { return len(r.From) == 0 }) {
		return nil
	}
	for i, w := range p.Workloads {
		if len(p.audiences.of[i]) == 1 { // everyone
			all = append(all, Finding{w.At, "no rule allows workload " + strictyaml.Quote(w.Name) + " anything", false})
		}
	}
	return all
}

// Explain describes a verdict in one line for people.
func (v Verdict) Explain() string {
	switch v.Kind {
	case Allowed:
		return "allowed by " + v.Rule
	case None:
		return "not outbound"
	default:
		return v.Kind.String() + ": " + reasonTexts[v.Reason]
	}
}

var reasonTexts = [numReasons]string{
	NoRule: "no rule has the destination", WrongPort: "a rule has the destination, on other ports", ExemptTo: "the destination is exempt",
	NotEgress: "multicast and broadcast stay in the network", NoWorkload: "the interface belongs to no workload of the policy",
	Initiator: "it is not known who opened the flow", Workloads: "too little is known of the interface to tell its workload",
	BeganBefore:   "the flow began before the first copy, and no name was seen",
	EncryptedName: "the name is in an encrypted hello", DisputedName: "the names of the flow contradict each other",
	NoDNSSeen: "no name was seen, and no DNS answer at the interface", NoRanges: "a rule has an AWS service, and AWS's address ranges are not loaded",
}
