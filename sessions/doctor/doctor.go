// Package doctor diagnoses a mirroring set-up: it compares a spec with the account and the network, and reports what keeps copies from
// the sink or makes them useless. It changes nothing. Checks of the host are in the command.
package doctor

import "github.com/mirrorsink/mirrorsink/sessions"

// Finding is a problem with a set-up, or a likely one.
type Finding struct {
	Check   string `json:"check"`   // the check that found it, by its name in docs/doctor.md
	Subject string `json:"subject"` // the resource, or the entry of the spec
	What    string `json:"what"`    // the problem
	Impact  string `json:"impact"`  // the consequence of leaving it
	Remedy  string `json:"remedy"`  // a command, where there is one
}

// Diagnosis is the result of the checks.
type Diagnosis struct {
	Checks    int              `json:"checks"` // the number of checks made
	Findings  []Finding        `json:"findings"`
	Unchecked []string         `json:"unchecked,omitempty"` // what could not be checked, and why
	Policy    *sessions.Policy `json:"policy,omitempty"`    // the least one for apply, if an action that it needs is refused
}

// Add adds the findings of a check.
func (d *Diagnosis) Add(check string, findings ...Finding) {
	d.Checks++
	for _, f := range findings {
		f.Check = check
		d.Findings = append(d.Findings, f)
	}
}

// Merge adds another diagnosis.
func (d *Diagnosis) Merge(other *Diagnosis) {
	d.Checks += other.Checks
	d.Findings = append(d.Findings, other.Findings...)
	d.Unchecked = append(d.Unchecked, other.Unchecked...)
	if other.Policy != nil {
		d.Policy = other.Policy
	}
}

// check is one check of a set-up.
type check struct {
	name string
	run  func(*setup) []Finding
}

// checks run in this order: from the sink to the sources. docs/doctor.md describes each.
var checks = []check{
	{"permission", (*setup).permissions},
	{"refused", (*setup).refused},
	{"target", (*setup).targetsExist},
	{"session-target", (*setup).sessionTargets},
	{"security-group", (*setup).securityGroups},
	{"listener", (*setup).listeners},
	{"health-check", (*setup).healthChecks},
	{"healthy-targets", (*setup).healthyTargets},
	{"balancer-zones", (*setup).balancerZones},
	{"amazon-dns", (*setup).amazonDNS},
	{"filter-direction", (*setup).directions},
	{"mtu", (*setup).mtu},
	{"packet-length", (*setup).packetLengths},
	{"interfaces-left-out", (*setup).leftOut},
	{"idle-sources", (*setup).idleSources},
	{"zone-without-target", (*setup).zonesWithoutTarget},
	{"foreign-first", (*setup).foreignFirst},
	{"drift", (*setup).drift},
	{"unused", (*setup).unused},
}

// Diagnose checks a spec's set-up. It is a pure function. It returns an error under the same conditions as Compare: if
// the spec has a mistake that shows only in this account.
func Diagnose(f *Facts) (*Diagnosis, error) {
	c, err := sessions.Compare(f.Spec, f.State)
	if err != nil {
		return nil, err
	}
	s := newSetup(f, c)
	result := &Diagnosis{Findings: []Finding{}}
	for _, c := range checks {
		result.Add(c.name, c.run(s)...)
	}
	result.Unchecked = s.unchecked
	if len(f.refusedActions()) > 0 {
		result.Policy, _ = sessions.PolicyFor("apply", sessions.Scope{Owner: f.Spec.Owner, Region: f.State.Region})
	}
	return result, nil
}
