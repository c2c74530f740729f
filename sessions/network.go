package sessions

import "net/netip"

// SecurityGroup is what a security group lets in.
type SecurityGroup struct {
	ID      string
	VPC     string
	Ingress []Permission
}

// Permission is a rule of a security group. Traffic from one of CIDRs, Groups and PrefixLists passes.
type Permission struct {
	Protocol    int // IP protocol number, AnyProtocol for all
	From, To    int // ports, both included; of ICMP the type and the code, -1 for all
	CIDRs       []netip.Prefix
	Groups      []string // security groups, by ID
	PrefixLists []string // by ID; what is in them is not read
}

// AnyProtocol is how a Permission names all protocols. All ports are in it then.
const AnyProtocol = -1

// Subnet is where interfaces have their addresses from.
type Subnet struct {
	ID    string
	VPC   string
	Zone  string // availability zone, such as eu-west-1a
	CIDRs []netip.Prefix
}

// LoadBalancer is a load balancer, as far as mirrored traffic needs it.
type LoadBalancer struct {
	ARN          string
	Name         string
	Type         string // network, gateway, application
	VPC          string
	Zones        []string // in which it has nodes
	Groups       []string // security groups, by ID; a balancer may have none
	CrossZone    bool     // nodes send to targets in other zones too, unless a target group says otherwise
	Listeners    []Listener
	TargetGroups []TargetGroup
}

// Listener is where a load balancer takes traffic.
type Listener struct {
	Protocol     string   // UDP, TCP_UDP, TCP, …
	Port         int      // 0 for a gateway load balancer's
	TargetGroups []string // ARNs, to which it forwards
}

// TargetGroup is where a load balancer sends traffic, and how it asks whether targets are alive.
type TargetGroup struct {
	ARN            string
	Name           string
	Protocol       string
	Port           int
	HealthProtocol string // TCP, HTTP or HTTPS
	HealthPort     string // a number, or traffic-port
	HealthPath     string // of HTTP and HTTPS
	Healthy        int    // targets
	Unhealthy      int    // targets in any other state: failing, draining, not asked yet
}

// Answer is what EC2 says when it is asked whether a call would be allowed.
type Answer uint8

// Answers.
const (
	Undecided Answer = iota // it failed for a reason that says nothing about permission
	Allowed
	Refused
	numAnswers
)

var answerNames = [numAnswers]string{Undecided: "undecided", Allowed: "allowed", Refused: "refused"}

// String returns the answer's name.
func (a Answer) String() string { return answerNames[a] }

// MarshalText writes the answer's name.
func (a Answer) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// Grant is whether the caller may make a call of the EC2 API.
type Grant struct {
	Action string `json:"action"` // as a policy names it, such as ec2:CreateTrafficMirrorSession
	Answer Answer `json:"answer"`
	Err    error  `json:"-"` // what EC2 said, if it did not say yes
}
