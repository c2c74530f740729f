package account

// LoadBalancer is a load balancer: the settings that decide whether mirrored packets arrive.
type LoadBalancer struct {
	ARN          string
	Name         string
	Type         string // network, gateway, application
	VPC          string
	Zones        []string // in which it has nodes
	Groups       []string // security groups, by ID; a balancer may have none
	CrossZone    bool     // nodes send to targets in other zones too, unless a target group overrides it
	Listeners    []Listener
	TargetGroups []TargetGroup
}

// Listener is a port on which a load balancer receives traffic.
type Listener struct {
	Protocol     string   // UDP, TCP_UDP, TCP, …
	Port         int      // 0 for a gateway load balancer's
	TargetGroups []string // ARNs, to which it forwards
}

// TargetGroup is a set of machines to which a load balancer sends traffic, with its health check.
type TargetGroup struct {
	ARN            string
	Name           string
	Protocol       string
	Port           int
	HealthProtocol string   // TCP, HTTP or HTTPS
	HealthPort     string   // a number, or traffic-port
	HealthPath     string   // of HTTP and HTTPS
	Healthy        int      // targets
	Unhealthy      int      // targets in any other state: failing, draining, not checked yet
	Targets        []string // the IDs of instances and the addresses, of any state
}
