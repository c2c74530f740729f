package doctor

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/mirrorsink/mirrorsink/sessions"
	"github.com/mirrorsink/mirrorsink/sessions/account"
)

// perBalancer runs a check for each target that is a Network Load Balancer.
func (s *setup) perBalancer(run func(t usedTarget, b *account.LoadBalancer) []Finding) (all []Finding) {
	for _, t := range s.targets {
		if b := s.balancers[t.LoadBalancer]; b != nil && b.Type == "network" {
			for _, f := range run(t, b) {
				f.Subject = cmp.Or(f.Subject, t.String())
				all = append(all, f)
			}
		}
	}
	return all
}

// mirrorListener returns the listener that receives mirrored packets, or nil.
func mirrorListener(b *account.LoadBalancer) *account.Listener {
	for i := range b.Listeners {
		if l := &b.Listeners[i]; l.Port == vxlanPort && (l.Protocol == "UDP" || l.Protocol == "TCP_UDP") {
			return l
		}
	}
	return nil
}

// mirrorGroups returns the target groups to which mirrored packets go.
func mirrorGroups(b *account.LoadBalancer) (all []*account.TargetGroup) {
	l := mirrorListener(b)
	for i := range b.TargetGroups {
		if g := &b.TargetGroups[i]; l != nil && slices.Contains(l.TargetGroups, g.ARN) {
			all = append(all, g)
		}
	}
	return all
}

// groupName returns what findings call a target group.
func groupName(g *account.TargetGroup) string { return "target group " + cmp.Or(g.Name, g.ARN) }

// listeners finds load balancers that do not receive mirrored packets or do not forward them.
func (s *setup) listeners() []Finding {
	return s.perBalancer(func(_ usedTarget, b *account.LoadBalancer) []Finding {
		f := Finding{Impact: "every copy is dropped, and AWS reports nothing"}
		switch {
		case mirrorListener(b) == nil:
			f.What = fmt.Sprintf("it has no listener for UDP %d", vxlanPort)
			f.Remedy = fmt.Sprintf("aws elbv2 create-listener --load-balancer-arn %s --protocol UDP --port %d --default-actions Type=forward,TargetGroupArn=ARN", b.ARN, vxlanPort)
		case len(mirrorGroups(b)) == 0:
			f.What = fmt.Sprintf("its listener for UDP %d forwards to no target group", vxlanPort)
			f.Remedy = "aws elbv2 modify-listener --listener-arn ARN --default-actions Type=forward,TargetGroupArn=ARN"
		default:
			return nil
		}
		return []Finding{f}
	})
}

// healthChecks finds health checks at the port of mirrored packets. A load balancer checks by TCP, HTTP or HTTPS, which the sink does
// not answer there.
func (s *setup) healthChecks() []Finding {
	return s.perBalancer(func(_ usedTarget, b *account.LoadBalancer) (all []Finding) {
		for _, g := range mirrorGroups(b) {
			if g.HealthPort != "traffic-port" && g.HealthPort != strconv.Itoa(vxlanPort) {
				continue
			}
			all = append(all, Finding{
				Subject: groupName(g),
				What:    fmt.Sprintf("its health check connects by %s to port %d, where the sink answers nothing", g.HealthProtocol, cmp.Or(g.Port, vxlanPort)),
				Impact:  "every machine counts as unhealthy: copies go to all of them, the failed ones included, and a group that scales by health replaces them for ever",
				Remedy:  fmt.Sprintf("run mirrorsink listen with --health :8080, and aws elbv2 modify-target-group --target-group-arn %s --health-check-protocol HTTP --health-check-port 8080 --health-check-path /readyz", g.ARN),
			})
		}
		return all
	})
}

// healthyTargets finds target groups without a healthy machine.
func (s *setup) healthyTargets() []Finding {
	return s.perBalancer(func(_ usedTarget, b *account.LoadBalancer) (all []Finding) {
		for _, g := range mirrorGroups(b) {
			if g.Healthy > 0 {
				continue
			}
			f := Finding{Subject: groupName(g), What: "no machine is registered", Impact: "every copy is dropped",
				Remedy: fmt.Sprintf("aws elbv2 register-targets --target-group-arn %s --targets Id=INSTANCE", g.ARN)}
			if g.Unhealthy > 0 {
				f.What = fmt.Sprintf("none of its %s is healthy", count(g.Unhealthy, "machine"))
				f.Impact = "copies go to all of them, whether they are received or not"
				f.Remedy = fmt.Sprintf("aws elbv2 describe-target-health --target-group-arn %s reports why; mirrorsink listen answers at --health", g.ARN)
			}
			all = append(all, f)
		}
		return all
	})
}

// balancerZones finds zones whose copies reach no machine because each node sends within its own zone only.
func (s *setup) balancerZones() []Finding {
	return s.perBalancer(func(t usedTarget, b *account.LoadBalancer) (all []Finding) {
		if b.CrossZone {
			return nil
		}
		f := Finding{Remedy: fmt.Sprintf("aws elbv2 modify-load-balancer-attributes --load-balancer-arn %s --attributes Key=load_balancing.cross_zone.enabled,Value=true", b.ARN)}
		zones, in := sessionZones(t.sources)
		for _, zone := range zones {
			if !slices.Contains(b.Zones, zone) {
				f.What = fmt.Sprintf("it has no node in %s, where %s, and sends within a zone only", zone, sourcesAre(in[zone]))
				f.Impact = "what these send may reach nothing: AWS does not use zones that are added later, unless it sends across zones"
				all = append(all, f)
			}
		}
		for _, g := range mirrorGroups(b) {
			if g.Healthy > 0 && g.Healthy < len(b.Zones) {
				f.What = fmt.Sprintf("it has nodes in %d zones (%s) and sends within a zone only, but %s has %s", len(b.Zones), joined(b.Zones), groupName(g), count(g.Healthy, "healthy machine"))
				f.Impact = "the copies that reach a node without a machine are dropped"
				all = append(all, f)
			}
		}
		return all
	})
}

// sessionZones counts sessions by the availability zones of their interfaces, and returns the zones in order.
func sessionZones(list []*sessions.Desired) (zones []string, sessions map[string]int) {
	sessions = map[string]int{}
	for _, w := range list {
		sessions[cmp.Or(w.ENI.Zone, "(unknown)")]++
	}
	return slices.Sorted(maps.Keys(sessions)), sessions
}

// sourcesAre returns a number of sources with its verb.
func sourcesAre(n int) string {
	return fmt.Sprintf("%s %s", count(n, "source"), plural(n, "is", "are"))
}
