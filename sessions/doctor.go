package sessions

// Finding is something that is wrong with a set-up, or is likely to be.
type Finding struct {
	Check   string `json:"check"`   // which check found it: see Checks
	Subject string `json:"subject"` // what it is about, and where
	What    string `json:"what"`    // is wrong with it
	Cost    string `json:"cost"`    // of leaving it so
	Mend    string `json:"mend"`    // a command, where there is one
}

// Diagnosis is what came of looking at a set-up.
type Diagnosis struct {
	Checks    int       `json:"checks"` // how many were made
	Findings  []Finding `json:"findings"`
	Unchecked []string  `json:"unchecked,omitempty"` // what could not be looked at, and why
	Policy    *Policy   `json:"policy,omitempty"`    // the least one for apply, if something that it needs is refused
}

// Add adds what a check found.
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

// check looks at one thing of a set-up.
type check struct {
	name string
	look func(*setup) []Finding
}

// checks are made in this order: from the sink to the sources. docs/doctor.md describes each.
var checks = []check{
	{"permission", (*setup).permissions},
	{"refused", (*setup).refused},
	{"target", (*setup).targetsThere},
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

// Checks are the names of the checks that Diagnose makes.
func Checks() []string {
	names := make([]string, len(checks))
	for i, c := range checks {
		names[i] = c.name
	}
	return names
}

// Diagnose looks at a spec's set-up. It is a pure function. An error says what is wrong with the spec in this state, as
// Diff's does.
func Diagnose(f *Facts) (*Diagnosis, error) {
	d, wanted, err := compare(f.Spec, f.State)
	if err != nil {
		return nil, err
	}
	s := &setup{Facts: f, differ: d, wanted: wanted}
	s.unchecked = append(s.unchecked, f.Unchecked...)
	s.index()
	result := &Diagnosis{Findings: []Finding{}}
	for _, c := range checks {
		result.Add(c.name, c.look(s)...)
	}
	result.Unchecked = s.unchecked
	if len(s.refusedActions()) > 0 {
		result.Policy, _ = PolicyFor("apply", Scope{Owner: f.Spec.Owner, Region: f.State.Region})
	}
	return result, nil
}
