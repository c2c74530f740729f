package ec2test

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

// Limits of sessions. To a Network Load Balancer the packet length is 8500 by default and at most. To other targets only the interface's
// MTU limits it, which EC2 does not check.
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
	c.sessions.put(s.ID, s, c.hiddenThrough())
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
	c.sessions.put(s.ID, s, 0)
	return func(w xmlWriter) { w.in("trafficMirrorSession", func() { writeSession(w, s) }) }, nil
}

func deleteSession(c *call) (reply, error) {
	s := c.ownSession()
	if err := c.permitted(); err != nil {
		return nil, err
	}
	c.id = s.ID
	c.sessions.remove(s.ID)
	return func(w xmlWriter) { w.value("trafficMirrorSessionId", s.ID) }, nil
}

// ownSession returns the session of the call, if the account may change it.
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

// sessionParameters overwrites a session with the given parameters.
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

// removeSessionField resets a property to its default.
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
