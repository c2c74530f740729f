package sessions

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
)

// balanced are the targets that are Network Load Balancers, with what they are.
func (s *setup) balanced(look func(t usedTarget, b *LoadBalancer) []Finding) (all []Finding) {
	for _, t := range s.targets {
		if b := s.balancers[t.LoadBalancer]; b != nil && b.Type == "network" {
			for _, f := range look(t, b) {
				f.Subject = cmp.Or(f.Subject, t.String())
				all = append(all, f)
			}
		}
	}
	return all
}

// mirrorListener is the listener that takes mirrored packets; nil if there is none.
func (b *LoadBalancer) mirrorListener() *Listener {
	return find(b.Listeners, func(l *Listener) bool { return l.Port == vxlanPort && (l.Protocol == "UDP" || l.Protocol == "TCP_UDP") })
}

// behind are the target groups to which the mirrored packets go.
func (b *LoadBalancer) behind() (all []*TargetGroup) {
	l := b.mirrorListener()
	for i := range b.TargetGroups {
		if g := &b.TargetGroups[i]; l != nil && slices.Contains(l.TargetGroups, g.ARN) {
			all = append(all, g)
		}
	}
	return all
}

// listeners looks for what takes mirrored packets, and passes them on.
func (s *setup) listeners() []Finding {
	return s.balanced(func(_ usedTarget, b *LoadBalancer) []Finding {
		f := Finding{Cost: "every copy is dropped, and AWS says nothing"}
		switch {
		case b.mirrorListener() == nil:
			f.What = fmt.Sprintf("it has no listener for UDP %d", vxlanPort)
			f.Mend = fmt.Sprintf("aws elbv2 create-listener --load-balancer-arn %s --protocol UDP --port %d --default-actions Type=forward,TargetGroupArn=ARN", b.ARN, vxlanPort)
		case len(b.behind()) == 0:
			f.What = fmt.Sprintf("its listener for UDP %d forwards to no target group", vxlanPort)
			f.Mend = "aws elbv2 modify-listener --listener-arn ARN --default-actions Type=forward,TargetGroupArn=ARN"
		default:
			return nil
		}
		return []Finding{f}
	})
}

// healthChecks looks for health checks at a port where only UDP is answered. A load balancer asks by TCP, HTTP or HTTPS.
func (s *setup) healthChecks() []Finding {
	return s.balanced(func(_ usedTarget, b *LoadBalancer) (all []Finding) {
		for _, g := range b.behind() {
			if g.HealthPort != "traffic-port" && g.HealthPort != strconv.Itoa(vxlanPort) {
				continue
			}
			all = append(all, Finding{
				Subject: "target group " + cmp.Or(g.Name, g.ARN),
				What:    fmt.Sprintf("its health check asks by %s at port %d, where the sink answers nothing", g.HealthProtocol, g.port()),
				Cost:    "every machine counts as dead: copies go to all of them, the dead ones included, and a group that scales by health replaces them for ever",
				Mend:    fmt.Sprintf("run mirrorsink listen with --health :8080, and aws elbv2 modify-target-group --target-group-arn %s --health-check-protocol HTTP --health-check-port 8080 --health-check-path /readyz", g.ARN),
			})
		}
		return all
	})
}

// port is where a health check asks that has no port of its own.
func (g *TargetGroup) port() int { return cmp.Or(g.Port, vxlanPort) }

// healthyTargets looks for target groups without a machine that works.
func (s *setup) healthyTargets() []Finding {
	return s.balanced(func(_ usedTarget, b *LoadBalancer) (all []Finding) {
		for _, g := range b.behind() {
			if g.Healthy > 0 {
				continue
			}
			f := Finding{Subject: "target group " + cmp.Or(g.Name, g.ARN), What: "no machine is registered", Cost: "every copy is dropped",
				Mend: fmt.Sprintf("aws elbv2 register-targets --target-group-arn %s --targets Id=INSTANCE", g.ARN)}
			if g.Unhealthy > 0 {
				f.What = fmt.Sprintf("none of its %s is healthy", count(g.Unhealthy, "machine"))
				f.Cost = "copies go to all of them, whether they are received or not"
				f.Mend = fmt.Sprintf("aws elbv2 describe-target-health --target-group-arn %s says why; mirrorsink listen answers at --health", g.ARN)
			}
			all = append(all, f)
		}
		return all
	})
}

// balancerZones looks for zones whose copies find no machine, if a node sends to machines of its own zone only.
func (s *setup) balancerZones() []Finding {
	return s.balanced(func(t usedTarget, b *LoadBalancer) (all []Finding) {
		if b.CrossZone {
			return nil
		}
		f := Finding{Mend: fmt.Sprintf("aws elbv2 modify-load-balancer-attributes --load-balancer-arn %s --attributes Key=load_balancing.cross_zone.enabled,Value=true", b.ARN)}
		zones, in := zonesOf(t.sources)
		for _, zone := range zones {
			if !slices.Contains(b.Zones, zone) {
				f.What = fmt.Sprintf("it has no node in %s, where %s, and sends within a zone only", zone, are(in[zone]))
				f.Cost = "what these send may reach nothing: AWS does not use zones that are added later, unless it sends across zones"
				all = append(all, f)
			}
		}
		for _, g := range b.behind() {
			if g.Healthy > 0 && g.Healthy < len(b.Zones) {
				f.What = fmt.Sprintf("it has nodes in %d zones (%s) and sends within a zone only, but target group %s has %s", len(b.Zones), joined(b.Zones), cmp.Or(g.Name, g.ARN), count(g.Healthy, "healthy machine"))
				f.Cost = "the copies that reach a node without a machine are dropped"
				all = append(all, f)
			}
		}
		return all
	})
}

func are(sources int) string {
	if sources == 1 {
		return "1 source is"
	}
	return fmt.Sprintf("%d sources are", sources)
}
