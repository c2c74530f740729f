package ec2test

import (
	"cmp"
	"fmt"
)

// seed puts an account's resources into the empty server. References between mirroring resources are not checked.
func (s *Server) seed(a *Account) {
	each(a.Subnets, s.PutSubnet)
	each(a.SecurityGroups, s.PutSecurityGroup)
	each(a.Instances, s.PutInstance)
	each(a.Interfaces, s.PutInterface)
	for _, id := range a.Endpoints {
		s.store.endpoints[id] = true
	}
	each(a.LoadBalancers, s.PutLoadBalancer)
	each(a.TargetGroups, s.PutTargetGroup)
	each(a.Targets, s.PutTarget)
	each(a.Filters, s.PutFilter)
	each(a.Sessions, s.PutSession)
	for _, action := range a.Denied {
		s.denied[action] = struct{}{}
	}
}

func each[T any](list []T, put func(T) string) {
	for _, v := range list {
		put(v)
	}
}

// fill fills in what every resource has.
func (s *Server) fill(id, owner *string, prefix string) {
	if *id == "" {
		*id = s.newID(prefix)
	}
	*owner = cmp.Or(*owner, s.account)
}

// PutSubnet adds a subnet, or replaces the one of that ID, and returns the ID. So do its fellows below: what they put is
// there at once, whatever Delay says, and is no call.
func (s *Server) PutSubnet(v Subnet) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := v.clone()
	s.fill(&n.ID, &n.Owner, "subnet")
	s.store.subnets.put(n.ID, n, 0)
	return n.ID
}

// PutSecurityGroup adds or replaces a security group.
func (s *Server) PutSecurityGroup(v SecurityGroup) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := v.clone()
	s.fill(&n.ID, &n.Owner, "sg")
	s.store.groups.put(n.ID, n, 0)
	return n.ID
}

// PutInstance adds or replaces an instance.
func (s *Server) PutInstance(v Instance) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := v.clone()
	s.fill(&n.ID, &n.Owner, "i")
	n.Type, n.State = cmp.Or(n.Type, "m5.large"), cmp.Or(n.State, "running")
	s.store.instances.put(n.ID, n, 0)
	return n.ID
}

// PutInterface adds or replaces an interface. What it does not say of its place is that of its subnet.
func (s *Server) PutInterface(v Interface) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := v.clone()
	s.fill(&n.ID, &n.Owner, "eni")
	if subnet := s.store.subnets.get(n.Subnet); subnet != nil {
		n.VPC, n.Zone = cmp.Or(n.VPC, subnet.VPC), cmp.Or(n.Zone, subnet.Zone)
	}
	n.Type = cmp.Or(n.Type, "interface")
	if n.Status == "" {
		n.Status = "available"
		if n.Instance != "" {
			n.Status = "in-use"
		}
	}
	if n.MAC == "" && len(n.Addresses) > 0 && n.Addresses[0].Is4() {
		b := n.Addresses[0].As4()
		n.MAC = fmt.Sprintf("02:00:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3])
	}
	s.store.putInterface(n, 0)
	return n.ID
}

// PutLoadBalancer adds or replaces a load balancer, which has an ARN.
func (s *Server) PutLoadBalancer(v LoadBalancer) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := v.clone()
	n.Type, n.Scheme, n.State = cmp.Or(n.Type, "network"), cmp.Or(n.Scheme, "internal"), cmp.Or(n.State, "active")
	s.store.balancers.put(n.ARN, n, 0)
	return n.ARN
}

// PutTargetGroup adds or replaces a target group, which has an ARN.
func (s *Server) PutTargetGroup(v TargetGroup) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := v.clone()
	n.TargetType = cmp.Or(n.TargetType, "instance")
	n.HealthProtocol, n.HealthPort = cmp.Or(n.HealthProtocol, "TCP"), cmp.Or(n.HealthPort, trafficPort)
	for i := range n.Members {
		m := &n.Members[i]
		m.State, m.Port = cmp.Or(m.State, "healthy"), cmp.Or(m.Port, n.Port)
	}
	s.store.targetGroups.put(n.ARN, n, 0)
	return n.ARN
}

// PutTarget adds or replaces a mirror target.
func (s *Server) PutTarget(v Target) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := v.clone()
	s.fill(&n.ID, &n.Owner, "tmt")
	s.store.putTarget(n, 0)
	return n.ID
}

// PutFilter adds or replaces a mirror filter. Its rules are the filter's from then on, and no others.
func (s *Server) PutFilter(v Filter) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := v.clone()
	s.fill(&n.ID, &n.Owner, "tmf")
	for id := range s.store.rulesOf[n.ID] {
		s.store.removeRule(id)
	}
	rules := n.Rules
	n.Rules = nil
	s.store.filters.put(n.ID, n, 0)
	for i := range rules {
		rules[i].Filter = n.ID
		s.putRule(&rules[i])
	}
	return n.ID
}

// PutRule adds or replaces a rule of a filter.
func (s *Server) PutRule(v Rule) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.putRule(v.clone())
}

func (s *Server) putRule(r *Rule) string {
	if r.ID == "" {
		r.ID = s.newID("tmfr")
	}
	s.store.putRule(r, 0)
	return r.ID
}

// PutSession adds or replaces a mirror session. A number of 0 is the first that is free on the interface.
func (s *Server) PutSession(v Session) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := v.clone()
	s.fill(&n.ID, &n.Owner, "tms")
	taken := map[int]bool{}
	for id := range s.store.on[n.Interface] {
		taken[s.store.sessions.get(id).Number] = true
	}
	for number := 1; n.Number == 0; number++ {
		if !taken[number] {
			n.Number = number
		}
	}
	s.store.putSession(n, 0)
	return n.ID
}
