package ec2test

import (
	"maps"
	"slices"
	"strconv"
)

// writeMembers writes a list of the awsQuery protocol.
func writeMembers[T any](w xmlWriter, name string, list []T, member func(T)) {
	w.in(name, func() {
		for _, v := range list {
			w.in("member", func() { member(v) })
		}
	})
}

// elbPage returns the next page of a list. The marker is the number of elements on earlier pages; PageSize is 1 to 400.
func elbPage[T any](c *call, all []T) (page []T, next string) {
	size := c.integer("PageSize", 1, 400, 400)
	at := c.integer("Marker", 0, len(all), 0)
	all = all[at:]
	if len(all) <= size {
		return all, ""
	}
	return all[:size], strconv.Itoa(at + size)
}

// known returns the resources of the given IDs, all if there are none.
func known[T any](c *call, t *table[T], ids []string, code string) (all []*T) {
	if len(ids) == 0 {
		for _, r := range t.rows {
			all = append(all, r.value)
		}
		return all
	}
	for _, id := range ids {
		v := t.get(id)
		if v == nil {
			c.fail(refused(code, "'%s' not found", id))
			return nil
		}
		all = append(all, v)
	}
	return all
}

func describeBalancers(c *call) (reply, error) {
	all := known(c, &c.balancers, c.list("LoadBalancerArns.member"), "LoadBalancerNotFound")
	if names := c.list("Names.member"); len(names) > 0 {
		all = slices.DeleteFunc(all, func(b *LoadBalancer) bool { return !slices.Contains(names, b.Name) })
		if len(all) < len(names) {
			c.fail(refused("LoadBalancerNotFound", "One or more load balancers not found"))
		}
	}
	page, next := elbPage(c, all)
	return func(w xmlWriter) {
		writeMembers(w, "LoadBalancers", page, func(b *LoadBalancer) { writeBalancer(w, b) })
		w.text("NextMarker", next)
	}, c.err
}

func writeBalancer(w xmlWriter, b *LoadBalancer) {
	w.value("LoadBalancerArn", b.ARN)
	w.value("LoadBalancerName", b.Name)
	w.value("DNSName", b.Name+".elb.example.com")
	w.value("Type", b.Type)
	w.value("Scheme", b.Scheme)
	w.value("IpAddressType", "ipv4")
	w.text("VpcId", b.VPC)
	w.in("State", func() { w.value("Code", b.State) })
	writeMembers(w, "AvailabilityZones", slices.Sorted(maps.Keys(b.Subnets)), func(zone string) {
		w.value("ZoneName", zone)
		w.value("SubnetId", b.Subnets[zone])
	})
	w.in("SecurityGroups", func() {
		for _, g := range b.Groups {
			w.value("member", g)
		}
	})
}

func describeAttributes(c *call) (reply, error) {
	arn := c.text("LoadBalancerArn")
	all := known(c, &c.balancers, []string{arn}, "LoadBalancerNotFound")
	return func(w xmlWriter) {
		writeMembers(w, "Attributes", all, func(b *LoadBalancer) {
			w.value("Key", "load_balancing.cross_zone.enabled")
			w.value("Value", strconv.FormatBool(b.CrossZone))
		})
	}, c.err
}

func describeListeners(c *call) (reply, error) {
	type listener struct {
		*Listener
		balancer string
	}
	var all []listener
	arns, balancer := c.list("ListenerArns.member"), c.text("LoadBalancerArn")
	if len(arns) == 0 && balancer == "" {
		c.fail(refused("ValidationError", "You must specify either listener ARNs or a load balancer ARN"))
	}
	for _, b := range known(c, &c.balancers, one(balancer), "LoadBalancerNotFound") {
		for i := range b.Listeners {
			if l := &b.Listeners[i]; len(arns) == 0 || slices.Contains(arns, l.ARN) {
				all = append(all, listener{l, b.ARN})
			}
		}
	}
	if len(all) < len(arns) {
		c.fail(refused("ListenerNotFound", "One or more listeners not found"))
	}
	page, next := elbPage(c, all)
	return func(w xmlWriter) {
		writeMembers(w, "Listeners", page, func(l listener) { writeListener(w, l.Listener, l.balancer) })
		w.text("NextMarker", next)
	}, c.err
}

func writeListener(w xmlWriter, l *Listener, balancer string) {
	w.value("ListenerArn", l.ARN)
	w.value("LoadBalancerArn", balancer)
	w.value("Protocol", l.Protocol)
	w.number("Port", l.Port)
	writeMembers(w, "DefaultActions", one(l.TargetGroup), func(group string) {
		w.value("Type", "forward")
		w.number("Order", 1)
		w.value("TargetGroupArn", group)
		w.in("ForwardConfig", func() {
			writeMembers(w, "TargetGroups", one(group), func(group string) { w.value("TargetGroupArn", group) })
		})
	})
}
