package ec2test

var targetKind = &kind[Target]{
	table: func(d *store) *table[Target] { return &d.targets },
	ids:   "TrafficMirrorTargetId", notFound: "InvalidTrafficMirrorTargetId.NotFound", noun: "traffic mirror target", set: "trafficMirrorTargetSet",
	fields: fields[Target]{
		"description":               func(_ *store, t *Target) []string { return one(t.Description) },
		"network-interface-id":      func(_ *store, t *Target) []string { return one(t.Interface) },
		"network-load-balancer-arn": func(_ *store, t *Target) []string { return one(t.LoadBalancer) },
		"owner-id":                  func(_ *store, t *Target) []string { return one(t.Owner) },
		"traffic-mirror-target-id":  func(_ *store, t *Target) []string { return one(t.ID) },
	},
	write: writeTarget,
}

func writeTarget(w xmlWriter, t *Target) {
	w.value("trafficMirrorTargetId", t.ID)
	w.text("description", t.Description)
	w.value("type", t.kind())
	w.text("networkInterfaceId", t.Interface)
	w.text("networkLoadBalancerArn", t.LoadBalancer)
	w.text("gatewayLoadBalancerEndpointId", t.Endpoint)
	w.value("ownerId", t.Owner)
	w.tags(t.Tags)
}

func createTarget(c *call) (reply, error) {
	t := &Target{
		Description: c.text("Description"), Interface: c.text("NetworkInterfaceId"), LoadBalancer: c.text("NetworkLoadBalancerArn"),
		Endpoint: c.text("GatewayLoadBalancerEndpointId"), Owner: c.s.account, Tags: c.tagsFor("traffic-mirror-target"),
	}
	c.checkTargetAddress(t)
	if err := c.permitted(); err != nil {
		return nil, err
	}
	if limit := c.s.limits.Targets; len(c.targets.rows) >= limit {
		return nil, refused("TrafficMirrorTargetLimitExceeded", "The maximum number of traffic mirror targets, %d, has been reached.", limit)
	}
	t.ID = c.s.newID("tmt")
	c.id = t.ID
	c.targets.put(t.ID, t, c.hiddenThrough())
	token := c.text("ClientToken")
	return func(w xmlWriter) {
		w.in("trafficMirrorTarget", func() { writeTarget(w, t) })
		w.text("clientToken", token)
	}, nil
}

// checkTargetAddress checks that there is exactly one address, and that it exists.
func (c *call) checkTargetAddress(t *Target) {
	given := 0
	for _, address := range []string{t.Interface, t.LoadBalancer, t.Endpoint} {
		if address != "" {
			given++
		}
	}
	switch {
	case given == 0:
		c.fail(missing("NetworkInterfaceId, NetworkLoadBalancerArn or GatewayLoadBalancerEndpointId"))
	case given > 1:
		c.fail(refused("InvalidParameterCombination", "Only one of NetworkInterfaceId, NetworkLoadBalancerArn and GatewayLoadBalancerEndpointId can be given."))
	case t.Interface != "":
		interfaceKind.find(c, t.Interface)
	case t.LoadBalancer != "":
		if b := c.balancers.get(t.LoadBalancer); b == nil || b.Type != "network" {
			c.fail(invalid("NetworkLoadBalancerArn", t.LoadBalancer, "There is no such Network Load Balancer."))
		}
	case !c.endpoints[t.Endpoint]:
		c.fail(refused("InvalidVpcEndpointId.NotFound", "The Vpc Endpoint Id '%s' does not exist", t.Endpoint))
	}
}

func deleteTarget(c *call) (reply, error) {
	t := targetKind.find(c, c.required("TrafficMirrorTargetId"))
	if t != nil {
		c.owned(t.ID, t.Owner)
	}
	if err := c.permitted(); err != nil {
		return nil, err
	}
	c.id = t.ID
	if n := len(c.to[t.ID]); n > 0 {
		return nil, refused("TrafficMirrorTargetInUseException", "The traffic mirror target %s is in use by %d traffic mirror sessions", t.ID, n)
	}
	c.targets.remove(t.ID)
	return func(w xmlWriter) { w.value("trafficMirrorTargetId", t.ID) }, nil
}

// owned refuses to change a resource of another account.
func (c *call) owned(id, owner string) {
	if owner != c.s.account {
		c.fail(refused("UnauthorizedOperation", "You are not authorized to perform this operation: %s belongs to account %s.", id, owner))
	}
}
