package account

import "net/netip"

// SecurityGroup is a security group with its inbound rules.
type SecurityGroup struct {
	ID      string
	VPC     string
	Ingress []Permission
}

// Permission is an inbound rule of a security group. It admits traffic from any of CIDRs, Groups and PrefixLists.
type Permission struct {
	Protocol    int // IP protocol number, AnyProtocol for all
	From, To    int // ports, both included; of ICMP the type and the code, -1 for all
	CIDRs       []netip.Prefix
	Groups      []string // security groups, by ID
	PrefixLists []string // by ID; their entries are not read
}

// AnyProtocol is the Protocol of a Permission for all protocols. It covers all ports.
const AnyProtocol = -1

// Subnet is a subnet with its address blocks.
type Subnet struct {
	ID    string
	VPC   string
	Zone  string // availability zone, such as eu-west-1a
	CIDRs []netip.Prefix
}
