package ec2test

import (
	"slices"
	"strconv"
)

func describeTargetGroups(c *call) (reply, error) {
	all := known(c, &c.targetGroups, c.list("TargetGroupArns.member"), "TargetGroupNotFound")
	if names := c.list("Names.member"); len(names) > 0 {
		all = slices.DeleteFunc(all, func(g *TargetGroup) bool { return !slices.Contains(names, g.Name) })
		if len(all) < len(names) {
			c.fail(refused("TargetGroupNotFound", "One or more target groups not found"))
		}
	}
	if arn := c.text("LoadBalancerArn"); arn != "" {
		known(c, &c.balancers, one(arn), "LoadBalancerNotFound")
		all = slices.DeleteFunc(all, func(g *TargetGroup) bool { return !slices.Contains(c.balancersOf(g.ARN), arn) })
	}
	page, next := elbPage(c, all)
	balancers := map[string][]string{}
	for _, g := range page {
		balancers[g.ARN] = c.balancersOf(g.ARN)
	}
	return func(w xmlWriter) {
		writeMembers(w, "TargetGroups", page, func(g *TargetGroup) { writeTargetGroup(w, g, balancers[g.ARN]) })
		w.text("NextMarker", next)
	}, c.err
}

// balancersOf returns the ARNs of the load balancers that send to a target group.
func (d *store) balancersOf(group string) (all []string) {
	for _, r := range d.balancers.rows {
		if slices.ContainsFunc(r.value.Listeners, func(l Listener) bool { return l.TargetGroup == group }) {
			all = append(all, r.id)
		}
	}
	return all
}

func writeTargetGroup(w xmlWriter, g *TargetGroup, balancers []string) {
	w.value("TargetGroupArn", g.ARN)
	w.value("TargetGroupName", g.Name)
	w.value("Protocol", g.Protocol)
	w.number("Port", g.Port)
	w.text("VpcId", g.VPC)
	w.value("TargetType", g.TargetType)
	w.value("IpAddressType", "ipv4")
	w.flag("HealthCheckEnabled", true)
	w.value("HealthCheckProtocol", g.HealthProtocol)
	w.value("HealthCheckPort", g.HealthPort)
	w.text("HealthCheckPath", g.HealthPath)
	w.number("HealthCheckIntervalSeconds", 30)
	w.number("HealthCheckTimeoutSeconds", 10)
	w.number("HealthyThresholdCount", 5)
	w.number("UnhealthyThresholdCount", 2)
	w.in("LoadBalancerArns", func() {
		for _, arn := range balancers {
			w.value("member", arn)
		}
	})
}

func describeTargetHealth(c *call) (reply, error) {
	arn := c.text("TargetGroupArn")
	if arn == "" {
		return nil, refused("ValidationError", "A target group ARN must be specified")
	}
	groups := known(c, &c.targetGroups, one(arn), "TargetGroupNotFound")
	if c.err != nil {
		return nil, c.err
	}
	g := groups[0]
	return func(w xmlWriter) {
		writeMembers(w, "TargetHealthDescriptions", g.Members, func(m Member) { writeHealth(w, g, m) })
	}, nil
}

func writeHealth(w xmlWriter, g *TargetGroup, m Member) {
	w.in("Target", func() {
		w.value("Id", m.ID)
		w.number("Port", m.Port)
		w.text("AvailabilityZone", m.Zone)
	})
	port := g.HealthPort
	if port == trafficPort {
		port = strconv.Itoa(m.Port)
	}
	w.value("HealthCheckPort", port)
	w.in("TargetHealth", func() {
		w.value("State", m.State)
		w.text("Reason", m.Reason)
		w.text("Description", m.Description)
	})
}

// trafficPort is the health check's port that stands for the one a member receives on.
const trafficPort = "traffic-port"
