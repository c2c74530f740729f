// Package policy judges flows by an egress policy: which destinations a workload may reach, by name, network or AWS service, and which
// flows are to be alerted. A policy is a strict YAML file; Parse compiles it.
//
// Decide is a pure function of the policy and the facts of one flow. The package knows nothing of packets, events or files of records,
// so that a live sink and a report over old records judge alike.
package policy

import (
	"net/netip"
	"time"
)

// Policy is a compiled policy. It is immutable, and safe for concurrent use.
type Policy struct {
	File      string
	Workloads []Workload
	Allow     []Rule
	Exempt    []Destination // destinations that are not judged
	Alerts    []Alert
	Tests     []Test

	allow     *index // over Allow
	exempt    *index // over Exempt, as rules for everyone
	sources   *sourceIndex
	audiences *audiences // of Allow
}

// Workload is a named group of sources. An interface belongs to the first workload of the file that matches it.
type Workload struct {
	At       Position
	Name     string
	Selector Selector
}

// Rule allows destinations to workloads. Rules only allow, so their order decides nothing but which of several is named.
type Rule struct {
	At    Position
	Name  string   // "allow-3" for the third rule unless the file names it
	From  []string // workloads; empty is everyone
	To    []Destination
	Ports []Ports // empty is all ports and protocols

	audience int // the workloads of From
}

// Test is a flow with the verdict that the author of a policy expects.
type Test struct {
	At       Position
	From     string // a workload
	To       string // as written
	Name     string // of the destination; "" if it is an address
	Addr     netip.Addr
	Protocol uint8
	Port     uint16
	Want     Kind
}

// Ports is a range of ports of TCP, UDP or both.
type Ports struct {
	Protocol uint8 // 0 is TCP and UDP
	From, To uint16
}

func (p Ports) contains(protocol uint8, port uint16) bool {
	return p.From <= port && port <= p.To && (p.Protocol == protocol || p.Protocol == 0 && (protocol == TCP || protocol == UDP))
}

// IP protocol numbers of the protocols with ports.
const (
	TCP = 6
	UDP = 17
)

// Source is the end of a flow that a mirrored interface belongs to. Unknown texts are empty.
type Source struct {
	Interface string // the ID
	Instance  string
	Group     string // the Auto Scaling group
	Subnet    string
	VPC       string
	Account   string
	Tags      map[string]string
	Addr      netip.Addr
	VNI       uint32
	Mirrored  bool   // VNI is known
	Workload  string // as a sink judged it; used if no selector can be decided by the other fields
}

// Names are the names of a flow, by their source. An empty text is not known.
type Names struct {
	SNI     string   // of a TLS or QUIC hello
	Host    string   // of an HTTP request
	Lookups []string // names for which DNS gave the address, the client's own first
}

// Flow is the facts about one flow that a policy judges by.
type Flow struct {
	Source   Source
	Addr     netip.Addr // the destination
	Protocol uint8
	Port     uint16 // 0 for protocols without ports
	Service  string // the AWS service that the address belongs to; "" for none
	Services bool   // AWS's ranges are loaded, so that an empty Service means none
	App      string // the application protocol as flow logs have it: tls, http, quic, dns; "" if it is not known
	Names    Names
	Opened   Opened
	Late     bool // the flow began before the first copy, so that its name may have been missed
	Hidden   bool // an encrypted hello has the name (RFC 9849)
	Disputed bool // the flow's names contradict each other, or copies do
	Single   bool // nothing was sent after an answer: one packet, or more of which none was answered. Known of recorded flows alone
	NoDNS    bool // no DNS answer was seen at the interface, so that nothing follows from a missing lookup
}

// Opened is who opened a flow.
type Opened uint8

// Ends that opened a flow.
const (
	OpenedUnknown Opened = iota
	OpenedHere           // the mirrored interface did
	OpenedThere          // the other end did
)

// Learn is how long a new-name alert learns by default.
const Learn = 7 * 24 * time.Hour
