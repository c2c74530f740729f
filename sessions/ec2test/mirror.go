package ec2test

import (
	"maps"
	"net/netip"
	"slices"
)

// Target is a mirror target. One of Interface, LoadBalancer and Endpoint is set.
type Target struct {
	ID           string
	Description  string
	Interface    string
	LoadBalancer string // ARN
	Endpoint     string // of a Gateway Load Balancer
	Owner        string
	Tags         map[string]string
}

// kind returns the target's type in the API's spelling.
func (t *Target) kind() string {
	switch {
	case t.Interface != "":
		return "network-interface"
	case t.LoadBalancer != "":
		return "network-load-balancer"
	default:
		return "gateway-load-balancer-endpoint"
	}
}

func (t *Target) clone() *Target {
	c := *t
	c.Tags = maps.Clone(t.Tags)
	return &c
}

// Filter is a mirror filter. Rules are sorted by direction and number in a snapshot.
type Filter struct {
	ID          string
	Description string
	Services    []string // amazon-dns
	Rules       []Rule
	Owner       string // not part of the API
	Tags        map[string]string
}

func (f *Filter) clone() *Filter {
	c := *f
	c.Services, c.Tags, c.Rules = slices.Clone(f.Services), maps.Clone(f.Tags), nil
	for i := range f.Rules {
		c.Rules = append(c.Rules, *f.Rules[i].clone())
	}
	return &c
}

// Rule is a rule of a filter.
type Rule struct {
	ID               string
	Filter           string
	Description      string
	Direction        string // ingress, egress
	Number           int
	Action           string // accept, reject
	Protocol         int    // IP protocol number; 0 for all, for which the API has no element
	Source           netip.Prefix
	Destination      netip.Prefix
	SourcePorts      *PortRange // nil for all
	DestinationPorts *PortRange
	Tags             map[string]string
}

// PortRange is a range of ports, both ends included.
type PortRange struct{ From, To int }

func (r *PortRange) clone() *PortRange {
	if r == nil {
		return nil
	}
	c := *r
	return &c
}

func (r *Rule) clone() *Rule {
	c := *r
	c.SourcePorts, c.DestinationPorts = r.SourcePorts.clone(), r.DestinationPorts.clone()
	c.Tags = maps.Clone(r.Tags)
	return &c
}

// Session is a mirror session.
type Session struct {
	ID           string
	Description  string
	Interface    string
	Target       string
	Filter       string
	Number       int // 1 to 32766, unique on the interface
	PacketLength int // bytes after the VXLAN header; 0 is not set
	VNI          uint32
	Owner        string
	Tags         map[string]string
}

func (s *Session) clone() *Session {
	c := *s
	c.Tags = maps.Clone(s.Tags)
	return &c
}
