package policy

import "slices"

// Verdict is what a policy says of a flow, with its evidence.
type Verdict struct {
	Kind     Kind
	Reason   Reason   // why, unless a rule allowed the flow
	Workload string   // "" for none
	Rule     string   // that allowed the flow
	By       Evidence // what the destination was judged by
	To       string   // the destination as judged: a name, else the address
}

// Kind is the outcome of a judgement.
type Kind uint8

// Outcomes.
const (
	None         Kind = iota // not outbound: nothing to judge
	Allowed                  // a rule allows it
	NotAllowed               // no rule allows it, and enough was seen to be certain
	Exempt                   // not judged, by the policy's own choice
	Inconclusive             // too little was seen, or what was seen contradicts itself
	NumKinds
)

var kindNames = [NumKinds]string{None: "none", Allowed: "allowed", NotAllowed: "not-allowed", Exempt: "exempt", Inconclusive: "inconclusive"}

// String returns the spelling of hint.policy.verdict and x-policy-verdict.
func (k Kind) String() string { return kindNames[k] }

// KindOf returns the outcome with a spelling; None for others.
func KindOf(word string) Kind { return Kind(max(slices.Index(kindNames[:], word), 0)) }

// Reason is why a flow has its verdict.
type Reason uint8

// Reasons.
const (
	NoReason      Reason = iota
	NoRule               // not-allowed: no rule has the destination
	WrongPort            // not-allowed: a rule has the destination, on other ports
	ExemptTo             // exempt: the destination is listed under exempt
	NotEgress            // exempt: multicast, broadcast or an unspecified address
	NoWorkload           // exempt: the interface belongs to no workload of the policy
	Initiator            // inconclusive: it is not known who opened the flow
	Workloads            // inconclusive: too little is known of the interface to tell its workload
	BeganBefore          // inconclusive: the flow began before the first copy, and no name was seen
	EncryptedName        // inconclusive: the name is in an encrypted hello
	DisputedName         // inconclusive: names or copies contradict each other
	NoDNSSeen            // inconclusive: no name, and no DNS answer was seen at the interface
	NoRanges             // inconclusive: a rule has an AWS service, and AWS's ranges are not loaded
	numReasons
)

var reasonNames = [numReasons]string{
	NoReason: "", NoRule: "no-rule", WrongPort: "wrong-port", ExemptTo: "exempt", NotEgress: "not-egress", NoWorkload: "no-workload",
	Initiator: "unknown-initiator", Workloads: "unknown-workload", BeganBefore: "began-before", EncryptedName: "encrypted-name",
	DisputedName: "disputed-name", NoDNSSeen: "no-dns-seen", NoRanges: "no-aws-ranges",
}

// String returns the reason as reports print it; "" for none.
func (r Reason) String() string { return reasonNames[r] }

// ReasonOf returns the reason with a spelling; NoReason for others.
func ReasonOf(word string) Reason { return Reason(max(slices.Index(reasonNames[:], word), 0)) }

// Evidence is what a destination was judged by.
type Evidence uint8

// Kinds of evidence.
const (
	NoEvidence Evidence = iota
	BySNI               // the name that the client asked a server for
	ByHost              // the host of an HTTP request
	ByLookup            // a name for which DNS gave the address
	ByAddress           // the address, or the AWS service that it belongs to
	numEvidence
)

var evidenceNames = [numEvidence]string{NoEvidence: "", BySNI: "sni", ByHost: "http_host", ByLookup: "dns", ByAddress: "address"}

// String returns the spelling of hint.policy.by.
func (e Evidence) String() string { return evidenceNames[e] }

// EvidenceOf returns the evidence with a spelling; NoEvidence for others.
func EvidenceOf(word string) Evidence {
	return Evidence(max(slices.Index(evidenceNames[:], word), 0))
}
