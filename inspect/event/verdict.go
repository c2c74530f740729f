package event

// Verdict is what an egress policy says of a flow that was opened from a mirrored interface: see package policy. It is immutable.
type Verdict struct {
	Kind     string // allowed, not-allowed, exempt, inconclusive
	Rule     string // that allowed the flow; "" for none
	Workload string // "" for none
	Reason   string // why, unless a rule allowed the flow
	By       string // what the destination was judged by
	To       string // the destination as judged: a name, else the address
}
