package ec2test

import "strconv"

// checkSession checks the references of a session. Only those that the call itself gives must exist; those that an existing session has
// may be deleted or hidden.
func (c *call) checkSession(s *Session) {
	if c.has("TrafficMirrorFilterId") {
		filterKind.find(c, s.Filter)
	}
	t := c.targets.get(s.Target)
	if c.has("TrafficMirrorTargetId") {
		if t = targetKind.find(c, s.Target); t != nil {
			c.checkEnds(s.Interface, t)
		}
	}
	if t != nil && t.LoadBalancer != "" && s.PacketLength > maxToBalancer {
		c.fail(invalid("PacketLength", strconv.Itoa(s.PacketLength), "To a Network Load Balancer it is a number from 1 to "+strconv.Itoa(maxToBalancer)+"."))
	}
}

// checkEnds refuses an interface that would be both source and target, even in two sessions.
func (c *call) checkEnds(source string, t *Target) {
	const both = "The network interface %s cannot be both a traffic mirror source and a traffic mirror target."
	if t.Interface == source || t.Interface != "" && len(c.on[t.Interface]) > 0 {
		c.fail(refused("InvalidParameterValue", both, t.Interface))
	}
	for target := range c.targetOf[source] {
		if len(c.to[target]) > 0 {
			c.fail(refused("InvalidParameterValue", both, source))
		}
	}
}

// roomForSession returns an error if a quota is used up or the number is taken.
func (c *call) roomForSession(s *Session) error {
	limits := &c.s.limits
	if s.ID == "" && len(c.sessions.rows) >= limits.Sessions {
		return refused("TrafficMirrorSessionLimitExceeded", "The maximum number of traffic mirror sessions, %d, has been reached.", limits.Sessions)
	}
	if s.ID == "" && len(c.on[s.Interface]) >= limits.SessionsPerInterface {
		return refused("TrafficMirrorSessionsPerInterfaceLimitExceeded", "The network interface %s has %d traffic mirror sessions, which is the maximum.", s.Interface, limits.SessionsPerInterface)
	}
	for id := range c.on[s.Interface] {
		if id != s.ID && c.sessions.get(id).Number == s.Number {
			return invalid("SessionNumber", strconv.Itoa(s.Number), "The network interface "+s.Interface+" is already being used with it by the traffic mirror session "+id+".")
		}
	}
	return c.roomAtTarget(s)
}

// roomAtTarget returns an error if an interface target takes no further source.
func (c *call) roomAtTarget(s *Session) error {
	t := c.targets.get(s.Target)
	if !c.has("TrafficMirrorTargetId") || t.Interface == "" {
		return nil // the target does not change, or is a load balancer
	}
	limit := c.s.limits.SourcesPerInterface
	if i := c.interfaces.get(t.Interface); i != nil && i.Big {
		limit = c.s.limits.SourcesPerBigInterface
	}
	others := set{}
	for id := range c.to[t.ID] {
		if source := c.sessions.get(id).Interface; source != s.Interface {
			others[source] = struct{}{}
		}
	}
	if len(others) >= limit {
		return refused("TrafficMirrorSourcesPerTargetLimitExceeded", "The traffic mirror target %s has %d sources, which is the maximum.", t.ID, limit)
	}
	return nil
}

// defaults sets what the caller left to EC2.
func (c *call) defaults(s *Session, newVNI bool) {
	if t := c.targets.get(s.Target); t != nil && t.LoadBalancer != "" && s.PacketLength == 0 {
		s.PacketLength = maxToBalancer
	}
	if newVNI {
		s.VNI = c.s.freeVNI()
	}
}

// freeVNI returns a random VNI that no session has.
func (s *Server) freeVNI() uint32 {
	for {
		if vni := 1 + s.random.Uint32N(maxVNI); len(s.store.vnis[vniKey(vni)]) == 0 {
			return vni
		}
	}
}
