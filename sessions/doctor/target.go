package doctor

import (
	"fmt"
	"maps"
	"slices"

	"github.com/mirrorsink/mirrorsink/sessions/spec"
)

// vxlanPort is the UDP port of mirrored packets.
const vxlanPort = 4789

// targetsExist finds targets that do not exist or cannot receive packets.
func (s *setup) targetsExist() (all []Finding) {
	for _, t := range s.targets {
		f := Finding{Subject: t.String(), Impact: "no copy arrives, and AWS reports nothing"}
		switch eni, balancer := s.Account.InterfaceByID[t.Interface], s.balancers[t.LoadBalancer]; {
		case t.Interface != "" && eni == nil:
			f.What = "there is no such network interface in this account and region"
			f.Remedy = "name the interface of the sink in the spec; its address finds it: aws ec2 describe-network-interfaces --filters Name=private-ip-address,Values=ADDRESS"
		case eni != nil && s.Account.Idle(eni) != "":
			f.What = s.Account.Idle(eni)
			f.Remedy = "start the sink's instance, or attach the interface to it"
		case slices.Contains(s.facts.Gone, t.LoadBalancer):
			f.What = "there is no such load balancer in this account and region"
			f.Remedy = "name the sink's load balancer in the spec: aws elbv2 describe-load-balancers"
		case balancer != nil && balancer.Type != "network":
			f.What = fmt.Sprintf("it is a load balancer of type %s; AWS mirrors to Network Load Balancers", balancer.Type)
			f.Remedy = "create a Network Load Balancer, or name the endpoint of a Gateway Load Balancer by gateway-load-balancer-endpoint"
		default:
			continue
		}
		all = append(all, f)
	}
	return all
}

// sessionTargets finds sessions of ours that send to a target that does not exist.
func (s *setup) sessionTargets() (all []Finding) {
	lost := map[string][]string{} // session IDs by target
	for i := range s.Account.Sessions {
		n := &s.Account.Sessions[i]
		if s.Ours(n.Tags) && s.targetGone(n.Target) {
			lost[n.Target] = append(lost[n.Target], n.ID)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(lost)) {
		what := "it does not exist any more"
		if t := s.Account.TargetByID[id]; t != nil {
			what = t.Address() + ", for which it stands, does not exist any more"
		}
		n := len(lost[id])
		all = append(all, Finding{
			Subject: "target " + id,
			What:    fmt.Sprintf("%s, and %s of ours %s to it: %s", what, count(n, "session"), plural(n, "sends", "send"), few(lost[id])),
			Impact:  "their interfaces are not mirrored, AWS reports nothing, and each session is billed",
			Remedy:  fmt.Sprintf("name the sink's new address in the spec, and run mirrorsink sessions apply -f %s", s.Spec.File),
		})
	}
	return all
}

// targetGone reports whether a target, or the resource that it stands for, does not exist. A target that the spec names by its ID may be
// another account's, which is not visible.
func (s *setup) targetGone(id string) bool {
	t := s.Account.TargetByID[id]
	if t == nil {
		return !slices.ContainsFunc(s.Spec.Targets, func(t spec.Target) bool { return t.ID == id })
	}
	return t.Interface != "" && s.Account.InterfaceByID[t.Interface] == nil || slices.Contains(s.facts.Gone, t.LoadBalancer)
}
