package ec2test

import (
	"maps"
	"slices"
)

// LoadBalancer is a load balancer of Elastic Load Balancing.
type LoadBalancer struct {
	ARN       string
	Name      string
	Type      string // network if empty
	Scheme    string // internal if empty
	State     string // active if empty
	VPC       string
	Groups    []string          // IDs of security groups
	Subnets   map[string]string // by availability zone
	CrossZone bool
	Listeners []Listener
}

// Listener is a listener of a load balancer.
type Listener struct {
	ARN         string
	Protocol    string // TCP, UDP, TCP_UDP, TLS
	Port        int
	TargetGroup string // ARN of the one that the default action forwards to
}

func (b *LoadBalancer) clone() *LoadBalancer {
	c := *b
	c.Groups, c.Subnets, c.Listeners = slices.Clone(b.Groups), maps.Clone(b.Subnets), slices.Clone(b.Listeners)
	return &c
}

// TargetGroup is the machines to which a listener sends, with their health check.
type TargetGroup struct {
	ARN            string
	Name           string
	Protocol       string
	Port           int
	TargetType     string // instance if empty; ip, alb
	VPC            string
	HealthProtocol string // TCP, HTTP, HTTPS; TCP if empty
	HealthPort     string // a number, or traffic-port; traffic-port if empty
	HealthPath     string // of HTTP and HTTPS
	Members        []Member
}

// Member is a target of a target group, in the load balancer's sense of the word.
type Member struct {
	ID          string // of an instance, or an address
	Port        int
	Zone        string
	State       string // healthy if empty; initial, unhealthy, unused, draining, unavailable
	Reason      string // such as Target.FailedHealthChecks
	Description string
}

func (g *TargetGroup) clone() *TargetGroup {
	c := *g
	c.Members = slices.Clone(g.Members)
	return &c
}
