package ec2test

import "strconv"

var sessionKind = &kind[Session]{
	table: func(d *store) *table[Session] { return &d.sessions },
	ids:   "TrafficMirrorSessionId", notFound: "InvalidTrafficMirrorSessionId.NotFound", noun: "traffic mirror session", set: "trafficMirrorSessionSet",
	fields: fields[Session]{
		"description":          func(_ *store, s *Session) []string { return one(s.Description) },
		"network-interface-id": func(_ *store, s *Session) []string { return one(s.Interface) },
		"owner-id":             func(_ *store, s *Session) []string { return one(s.Owner) },
		"packet-length": func(_ *store, s *Session) []string {
			if s.PacketLength == 0 {
				return nil
			}
			return oneInt(s.PacketLength)
		},
		"session-number":            func(_ *store, s *Session) []string { return oneInt(s.Number) },
		"traffic-mirror-filter-id":  func(_ *store, s *Session) []string { return one(s.Filter) },
		"traffic-mirror-session-id": func(_ *store, s *Session) []string { return one(s.ID) },
		"traffic-mirror-target-id":  func(_ *store, s *Session) []string { return one(s.Target) },
		"virtual-network-id":        func(_ *store, s *Session) []string { return oneInt(int(s.VNI)) },
	},
	write: writeSession,
}

func writeSession(w xmlWriter, s *Session) {
	w.value("trafficMirrorSessionId", s.ID)
	w.value("trafficMirrorTargetId", s.Target)
	w.value("trafficMirrorFilterId", s.Filter)
	w.value("networkInterfaceId", s.Interface)
	w.value("ownerId", s.Owner)
	if s.PacketLength != 0 {
		w.number("packetLength", s.PacketLength)
	}
	w.number("sessionNumber", s.Number)
	w.number("virtualNetworkId", int(s.VNI))
	w.text("description", s.Description)
	w.tags(s.Tags)
}

// Limits of sessions. To a Network Load Balancer the packet length is 8500 if it is not given, and no more. Elsewhere an
// interface's MTU is the end of it, of which EC2 need not know.
const (
	maxToBalancer   = 8500
	maxPacketLength = 1<<16 - 1
	maxVNI          = 1<<24 - 1
)

func createSession(c *call) (reply, error) {
	s := &Session{Owner: c.s.account, Tags: c.tagsFor("traffic-mirror-session")}
	for _, key := range []string{"NetworkInterfaceId", "TrafficMirrorTargetId", "TrafficMirrorFilterId", "SessionNumber"} {
		c.required(key)
	}
	s.Interface = c.text("NetworkInterfaceId")
	c.sessionParameters(s)
	source := interfaceKind.find(c, s.Interface)
	c.checkSession(s)
	if source != nil && source.Refusal != "" {
		c.fail(refused("InvalidParameterValue", "%s", source.Refusal))
	}
	if err := c.permitted(); err != nil {
		return nil, err
	}
	if err := c.roomForSession(s); err != nil {
		return nil, err
	}
	c.defaults(s, !c.has("VirtualNetworkId"))
	s.ID = c.s.newID("tms")
	c.id = s.ID
	c.putSession(s, c.hiddenThrough())
	token := c.text("ClientToken")
	return func(w xmlWriter) {
		w.in("trafficMirrorSession", func() { writeSession(w, s) })
		w.text("clientToken", token)
	}, nil
}

func modifySession(c *call) (reply, error) {
	old := c.ownSession()
	if old == nil {
		return nil, c.err
	}
	s, newVNI := old.clone(), false
	for _, field := range c.list("RemoveField") {
		c.removeSessionField(s, field)
		newVNI = newVNI || field == "virtual-network-id"
	}
	c.sessionParameters(s)
	c.checkSession(s)
	if err := c.permitted(); err != nil {
		return nil, err
	}
	c.id = s.ID
	if err := c.roomForSession(s); err != nil {
		return nil, err
	}
	c.defaults(s, newVNI)
	c.putSession(s, 0)
	return func(w xmlWriter) { w.in("trafficMirrorSession", func() { writeSession(w, s) }) }, nil
}

func deleteSession(c *call) (reply, error) {
	s := c.ownSession()
	if err := c.permitted(); err != nil {
		return nil, err
	}
	c.id = s.ID
	c.removeSession(s.ID)
	return func(w xmlWriter) { w.value("trafficMirrorSessionId", s.ID) }, nil
}

// ownSession returns the session that the call is about, if it may be changed.
func (c *call) ownSession() *Session {
	s := sessionKind.find(c, c.required("TrafficMirrorSessionId"))
	if s != nil {
		c.owned(s.ID, s.Owner)
	}
	if c.err != nil {
		return nil
	}
	return s
}

// sessionParameters reads what is given of a session over what it has.
func (c *call) sessionParameters(s *Session) {
	for _, p := range []struct {
		key string
		to  *string
	}{{"TrafficMirrorTargetId", &s.Target}, {"TrafficMirrorFilterId", &s.Filter}, {"Description", &s.Description}} {
		if c.has(p.key) {
			*p.to = c.text(p.key)
		}
	}
	s.Number = c.integer("SessionNumber", 1, maxNumber, s.Number)
	s.PacketLength = c.integer("PacketLength", 1, maxPacketLength, s.PacketLength)
	s.VNI = uint32(c.integer("VirtualNetworkId", 0, maxVNI, int(s.VNI)))
}

// removeSessionField sets a property back to its default.
func (c *call) removeSessionField(s *Session, field string) {
	switch field {
	case "packet-length":
		c.notBoth(field, "PacketLength")
		s.PacketLength = 0
	case "description":
		c.notBoth(field, "Description")
		s.Description = ""
	case "virtual-network-id":
		c.notBoth(field, "VirtualNetworkId")
	default:
		c.fail(invalid("RemoveField", field, "There is no such field."))
	}
}

// checkSession checks what the session refers to. What an existing session has may be gone or hidden; only what the call
// itself names must be there.
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

// checkEnds refuses an interface that would be source and target at once, be it in two sessions.
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

// roomForSession fails if a quota or the session's number is taken.
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

// roomAtTarget fails if an interface target takes no further source.
func (c *call) roomAtTarget(s *Session) error {
	t := c.targets.get(s.Target)
	if !c.has("TrafficMirrorTargetId") || t.Interface == "" {
		return nil // the target stays, or is a load balancer
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

// defaults fills in what the caller left to EC2.
func (c *call) defaults(s *Session, newVNI bool) {
	if t := c.targets.get(s.Target); t != nil && t.LoadBalancer != "" && s.PacketLength == 0 {
		s.PacketLength = maxToBalancer
	}
	if newVNI {
		s.VNI = c.s.freeVNI()
	}
}

// freeVNI makes up a VNI that no session has.
func (s *Server) freeVNI() uint32 {
	for {
		if vni := 1 + s.random.Uint32N(maxVNI); s.store.vnis[vni] == 0 {
			return vni
		}
	}
}
