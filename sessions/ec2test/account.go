package ec2test

import (
	"maps"
	"net/netip"
	"slices"
)

// Account is the state of the server: the initial one, or a Snapshot. The server makes up missing IDs; a missing owner is the account.
type Account struct {
	ID     string // twelve digits; 111122223333 if empty
	Region string // eu-west-1 if empty

	Subnets        []Subnet
	SecurityGroups []SecurityGroup
	Instances      []Instance
	Interfaces     []Interface
	Endpoints      []string // IDs of Gateway Load Balancer endpoints
	LoadBalancers  []LoadBalancer
	TargetGroups   []TargetGroup

	Targets  []Target
	Filters  []Filter
	Sessions []Session

	Denied []string // actions that are not permitted, such as CreateTrafficMirrorSession
	Limits Limits
	Seed   uint64 // of generated IDs and VNIs: the same calls generate the same ones
}

// Limits are the quotas of traffic mirroring. 0 stands for AWS's value.
type Limits struct {
	Sessions               int // of the account, 10,000
	Targets                int // of the account, 10,000
	Filters                int // of the account, 10,000
	RulesPerFilter         int // of both directions, 10
	SessionsPerInterface   int // 3
	SourcesPerInterface    int // of an interface target, 10
	SourcesPerBigInterface int // of an interface target of the largest instance types, 100
}

func (l Limits) orAWS() Limits {
	aws := Limits{10_000, 10_000, 10_000, 10, 3, 10, 100}
	for _, p := range []struct{ set, usual *int }{
		{&l.Sessions, &aws.Sessions}, {&l.Targets, &aws.Targets}, {&l.Filters, &aws.Filters},
		{&l.RulesPerFilter, &aws.RulesPerFilter}, {&l.SessionsPerInterface, &aws.SessionsPerInterface},
		{&l.SourcesPerInterface, &aws.SourcesPerInterface}, {&l.SourcesPerBigInterface, &aws.SourcesPerBigInterface},
	} {
		if *p.set == 0 {
			*p.set = *p.usual
		}
	}
	return l
}

// Interface is an elastic network interface. VPC and zone default to those of the subnet, if it is known.
type Interface struct {
	ID               string
	Type             string // "interface" if empty
	Description      string
	MAC              string
	Addresses        []netip.Addr // private IPv4 addresses, the primary one first
	IPv6             []netip.Addr
	VPC              string
	Subnet           string
	Zone             string
	ZoneID           string
	Owner            string
	Status           string // in-use if there is an instance, else available
	Instance         string // attached to; "" for none
	Device           int    // device index at the instance
	RequesterManaged bool
	Requester        string
	Groups           []string // IDs of security groups
	Tags             map[string]string

	Big     bool   // a target on it takes a hundred sources, as on the largest instance types
	Refusal string // why EC2 refuses to mirror it, such as its instance's type; "" if it does not
}

func (i *Interface) clone() *Interface {
	c := *i
	c.Addresses, c.IPv6 = slices.Clone(i.Addresses), slices.Clone(i.IPv6)
	c.Groups, c.Tags = slices.Clone(i.Groups), maps.Clone(i.Tags)
	return &c
}

// Instance is an EC2 instance. Its place and addresses are those of its interface with device index 0.
type Instance struct {
	ID    string
	Type  string // m5.large if empty
	Image string
	State string // running if empty
	Owner string
	Tags  map[string]string

	interfaces []*Interface // in replies
}

func (i *Instance) clone() *Instance {
	c := *i
	c.Tags = maps.Clone(i.Tags)
	return &c
}

// Subnet is a subnet of a VPC.
type Subnet struct {
	ID    string
	VPC   string
	Zone  string // such as eu-west-1a
	CIDR  netip.Prefix
	IPv6  netip.Prefix // not valid if it has none
	Owner string
	Tags  map[string]string
}

func (s *Subnet) clone() *Subnet {
	c := *s
	c.Tags = maps.Clone(s.Tags)
	return &c
}

// SecurityGroup is a security group with its rules.
type SecurityGroup struct {
	ID          string
	Name        string
	Description string
	VPC         string
	Owner       string
	Ingress     []Permission
	Egress      []Permission
	Tags        map[string]string
}

func (g *SecurityGroup) clone() *SecurityGroup {
	c := *g
	c.Ingress, c.Egress = slices.Clone(g.Ingress), slices.Clone(g.Egress)
	for _, list := range [][]Permission{c.Ingress, c.Egress} {
		for i := range list {
			list[i].CIDRs, list[i].Groups = slices.Clone(list[i].CIDRs), slices.Clone(list[i].Groups)
		}
	}
	c.Tags = maps.Clone(g.Tags)
	return &c
}

// Permission is a rule of a security group.
type Permission struct {
	Protocol string // tcp, udp, icmp, icmpv6, a number, or -1 for all, which has no ports
	From, To int
	CIDRs    []netip.Prefix // IPv4 and IPv6
	Groups   []string       // IDs of security groups
}
