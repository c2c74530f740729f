// Package sessions manages EC2's traffic mirroring as desired state: a spec says which interfaces are to be mirrored where,
// Diff compares it with what is there and makes a plan, Apply carries the plan out. From the same state it makes the
// inventory by which the packet path knows whose packets it sees.
//
// Everything but Apply is a pure function of its arguments; the AWS SDK is in sessions/aws. Nothing that does not carry the
// spec's ownership tag is ever changed.
package sessions

import (
	"cmp"
	"net/netip"
)

// Tags of EC2 resources.
type Tags map[string]string

// has tells a tag of no value from none.
func (t Tags) has(key, value string) bool {
	v, ok := t[key]
	return ok && v == value
}

// Tag keys of what is ours. The owner is the spec's; the name says which entry of the spec a resource stands for.
const (
	OwnerTag = "mirrorsink:owner"
	NameTag  = "mirrorsink:name"
)

// State is what there is, as the EC2 API describes it: everything in one account and region that can be seen. IDs of
// resources are the API's.
type State struct {
	Region     string      `json:"region,omitempty"`
	Interfaces []Interface `json:"interfaces,omitempty"`
	Instances  []Instance  `json:"instances,omitempty"`
	Targets    []Target    `json:"targets,omitempty"`
	Filters    []Filter    `json:"filters,omitempty"`
	Sessions   []Session   `json:"sessions,omitempty"`
}

// account is whose the state is, as far as its interfaces tell: that of most of them is that of all, but for shared subnets.
func (s *State) account() string {
	n := map[string]int{}
	most := ""
	for i := range s.Interfaces {
		a := s.Interfaces[i].Account
		n[a]++
		if n[a] > n[most] || n[a] == n[most] && a < most {
			most = a
		}
	}
	return most
}

// Interface is an elastic network interface.
type Interface struct {
	ID               string       `json:"id"`
	Type             string       `json:"type,omitempty"` // "interface", or what a service made it for: load_balancer, nat_gateway, …
	MAC              string       `json:"mac,omitempty"`
	Primary          netip.Addr   `json:"primary"`             // primary private address: the envelope's source
	Addresses        []netip.Addr `json:"addresses,omitempty"` // all private addresses, IPv4 and IPv6, the primary one first
	VPC              string       `json:"vpc,omitempty"`
	Subnet           string       `json:"subnet,omitempty"`
	Zone             string       `json:"zone,omitempty"`    // availability zone, such as eu-west-1a
	ZoneID           string       `json:"zone_id,omitempty"` // its name in all accounts, such as euw1-az1
	Account          string       `json:"account,omitempty"`
	Status           string       `json:"status,omitempty"`   // in-use, available, attaching, detaching
	Instance         string       `json:"instance,omitempty"` // attached to; "" for what a service attaches to machines of its own
	Device           int          `json:"device,omitempty"`   // device index at the instance
	RequesterManaged bool         `json:"requester_managed,omitempty"`
	Groups           []string     `json:"groups,omitempty"` // security groups
	Tags             Tags         `json:"tags,omitempty"`
}

// Instance is an EC2 instance, as far as a choice of sources needs it.
type Instance struct {
	ID    string `json:"id"`
	Type  string `json:"type,omitempty"`
	State string `json:"state,omitempty"` // running, stopped, …
	Tags  Tags   `json:"tags,omitempty"`
}

// groupTag is what Auto Scaling puts on its instances.
const groupTag = "aws:autoscaling:groupName"

// Target is a mirror target. One of Interface, LoadBalancer and Endpoint is set. AWS has no call to modify one.
type Target struct {
	ID           string `json:"id,omitempty"`
	Interface    string `json:"interface,omitempty"`
	LoadBalancer string `json:"load_balancer,omitempty"` // ARN of a Network Load Balancer
	Endpoint     string `json:"endpoint,omitempty"`      // of a Gateway Load Balancer
	Account      string `json:"account,omitempty"`
	Tags         Tags   `json:"tags,omitempty"`
}

// Address is what the target stands for.
func (t *Target) Address() string { return cmp.Or(t.Interface, t.LoadBalancer, t.Endpoint) }

// Filter is a mirror filter with its rules.
type Filter struct {
	ID       string   `json:"id,omitempty"`
	Services []string `json:"services,omitempty"` // network services that are mirrored whatever the rules say
	Rules    []Rule   `json:"rules,omitempty"`
	Tags     Tags     `json:"tags,omitempty"`
}

// AmazonDNS is the network service of lookups at the VPC's resolver.
const AmazonDNS = "amazon-dns"

// Directions of rules, from the source's point of view, and what they do.
const (
	Ingress = "ingress"
	Egress  = "egress"
	Accept  = "accept"
	Reject  = "reject"
)

// Rule is a rule of a filter. Rules are asked in the order of their numbers, apart for each direction; the first that
// matches decides.
type Rule struct {
	ID               string       `json:"id,omitempty"`
	Filter           string       `json:"filter,omitempty"`
	Direction        string       `json:"direction"`
	Number           int          `json:"number"`
	Action           string       `json:"action"`
	Protocol         int          `json:"protocol,omitempty"` // IP protocol number, 0 for all
	Source           netip.Prefix `json:"source"`
	Destination      netip.Prefix `json:"destination"`
	SourcePorts      *PortRange   `json:"source_ports,omitempty"` // nil for all
	DestinationPorts *PortRange   `json:"destination_ports,omitempty"`
	Tags             Tags         `json:"tags,omitempty"`
}

// PortRange is from one port to another, both included.
type PortRange struct {
	From int `json:"from"`
	To   int `json:"to"`
}

// Session mirrors one interface. Target and Filter are IDs; those of a plan that do not exist yet are told by their kind and
// name, as in "target/sink", which no ID looks like.
type Session struct {
	ID           string `json:"id,omitempty"`
	Interface    string `json:"interface"`
	Target       string `json:"target"`
	Filter       string `json:"filter"`
	Number       int    `json:"number"`                  // 1 to 32766, unique on the interface; the lowest whose filter matches takes the packet
	PacketLength int    `json:"packet_length,omitempty"` // bytes kept behind the VXLAN header; 0 is not set
	VNI          uint32 `json:"vni"`
	ChooseVNI    bool   `json:"choose_vni,omitempty"` // of a plan: AWS picks the VNI
	Account      string `json:"account,omitempty"`
	Tags         Tags   `json:"tags,omitempty"`
}

// Limits of AWS (quotas of traffic mirroring, none adjustable).
const (
	MaxSessionsPerInterface  = 3
	MaxRulesPerFilter        = 10
	MaxSourcesPerInterface   = 100 // of an interface target of the largest types
	UsualSourcesPerInterface = 10  // of all others
	MaxSessionNumber         = 32766
	MaxRuleNumber            = 32766
	MaxVNI                   = 1<<24 - 1
	MaxPacketLength          = 8500 // to a Network Load Balancer, of which it is also the default
	MinPacketLength          = 35   // of IPv4
	MinPacketLength6         = 55   // of IPv6
)
