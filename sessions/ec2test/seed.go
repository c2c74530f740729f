package ec2test

import (
	"cmp"
	"fmt"
)

// seed puts an account's resources into an empty server. It does not check references between mirroring resources.
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

// put stores a resource with put. It makes up an ID where none is given, and returns it; the owner defaults to the account.
func (s *Server) put(id, owner *string, prefix string, put func(*store)) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if *id == "" {
		*id = s.newID(prefix)
	}
	*owner = cmp.Or(*owner, s.account)
	put(&s.store)
	return *id
}

// PutSubnet adds a subnet, or replaces the one with the same ID, and returns the ID. Like the other Put methods it takes effect at once,
// whatever Delay is, and is not logged as a call.
func (s *Server) PutSubnet(v Subnet) string {
	n := v.clone()
	return s.put(&n.ID, &n.Owner, "subnet", func(d *store) { d.subnets.put(n.ID, n, 0) })
}

// PutSecurityGroup adds or replaces a security group.
func (s *Server) PutSecurityGroup(v SecurityGroup) string {
	n := v.clone()
	return s.put(&n.ID, &n.Owner, "sg", func(d *store) { d.groups.put(n.ID, n, 0) })
}

// PutInstance adds or replaces an instance.
func (s *Server) PutInstance(v Instance) string {
	n := v.clone()
	n.Type, n.State = cmp.Or(n.Type, "m5.large"), cmp.Or(n.State, "running")
	return s.put(&n.ID, &n.Owner, "i", func(d *store) { d.instances.put(n.ID, n, 0) })
}

// PutInterface adds or replaces an interface. Its VPC and zone default to those of its subnet.
func (s *Server) PutInterface(v Interface) string {
	n := v.clone()
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
	return s.put(&n.ID, &n.Owner, "eni", func(d *store) {
		if subnet := d.subnets.get(n.Subnet); subnet != nil {
			n.VPC, n.Zone = cmp.Or(n.VPC, subnet.VPC), cmp.Or(n.Zone, subnet.Zone)
		}
		d.interfaces.put(n.ID, n, 0)
	})
}

// PutLoadBalancer adds or replaces a load balancer. Its ARN must be given.
func (s *Server) PutLoadBalancer(v LoadBalancer) string {
	n := v.clone()
	n.Type, n.Scheme, n.State = cmp.Or(n.Type, "network"), cmp.Or(n.Scheme, "internal"), cmp.Or(n.State, "active")
	return s.put(&n.ARN, new(string), "", func(d *store) { d.balancers.put(n.ARN, n, 0) })
}

// PutTargetGroup adds or replaces a target group. Its ARN must be given.
func (s *Server) PutTargetGroup(v TargetGroup) string {
	n := v.clone()
	n.TargetType = cmp.Or(n.TargetType, "instance")
	n.HealthProtocol, n.HealthPort = cmp.Or(n.HealthProtocol, "TCP"), cmp.Or(n.HealthPort, trafficPort)
	for i := range n.Members {
		m := &n.Members[i]
		m.State, m.Port = cmp.Or(m.State, "healthy"), cmp.Or(m.Port, n.Port)
	}
	return s.put(&n.ARN, new(string), "", func(d *store) { d.targetGroups.put(n.ARN, n, 0) })
}

// PutTarget adds or replaces a mirror target.
func (s *Server) PutTarget(v Target) string {
	n := v.clone()
	return s.put(&n.ID, &n.Owner, "tmt", func(d *store) { d.targets.put(n.ID, n, 0) })
}

// PutFilter adds or replaces a mirror filter with all of its rules.
func (s *Server) PutFilter(v Filter) string {
	n := v.clone()
	rules := n.Rules
	n.Rules = nil
	return s.put(&n.ID, &n.Owner, "tmf", func(d *store) {
		for id := range d.rulesOf[n.ID] {
			d.rules.remove(id)
		}
		d.filters.put(n.ID, n, 0)
		for i := range rules {
			r := &rules[i]
			r.Filter = n.ID
			if r.ID == "" {
				r.ID = s.newID("tmfr")
			}
			d.rules.put(r.ID, r, 0)
		}
	})
}

// PutRule adds or replaces a rule of a filter.
func (s *Server) PutRule(v Rule) string {
	n := v.clone()
	return s.put(&n.ID, new(string), "tmfr", func(d *store) { d.rules.put(n.ID, n, 0) })
}

// PutSession adds or replaces a mirror session. A number of 0 is replaced by the first that is free on the interface.
func (s *Server) PutSession(v Session) string {
	n := v.clone()
	return s.put(&n.ID, &n.Owner, "tms", func(d *store) {
		taken := map[int]bool{}
		for id := range d.on[n.Interface] {
			taken[d.sessions.get(id).Number] = true
		}
		for number := 1; n.Number == 0; number++ {
			if !taken[number] {
				n.Number = number
			}
		}
		d.sessions.put(n.ID, n, 0)
	})
}
