package sessions

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/mirrorsink/mirrorsink/sessions/account"
	"github.com/mirrorsink/mirrorsink/sessions/spec"
)

// BalancerReader reads what is behind a load balancer.
type BalancerReader interface {
	// Behind returns the IDs of instances and the addresses that a load balancer sends to.
	Behind(ctx context.Context, arn string) ([]string, error)
}

// ReadBehind adds to a state what is behind the load balancers that are targets of a spec. One that is not permitted to be read, or that
// does not exist, is left out.
func ReadBehind(ctx context.Context, r BalancerReader, want *spec.Spec, have *account.State) error {
	have.Behind = map[string][]string{}
	for i := range want.Targets {
		arn := balancerOf(&want.Targets[i], have)
		if _, read := have.Behind[arn]; read || arn == "" {
			continue
		}
		ids, err := r.Behind(ctx, arn)
		switch ClassOf(err) {
		case Denied:
			have.Unreadable = append(have.Unreadable, arn)
		case NotFound:
		default:
			if err != nil {
				return err
			}
			have.Behind[arn] = ids
		}
	}
	return nil
}

// balancerOf returns the ARN of the load balancer that a target is, "" if it is none.
func balancerOf(t *spec.Target, have *account.State) string {
	if t.ID == "" {
		return t.LoadBalancer
	}
	for i := range have.Targets {
		if have.Targets[i].ID == t.ID {
			return have.Targets[i].LoadBalancer
		}
	}
	return ""
}

// refuseLoops finds sources that are behind the load balancer that is their target. What such a machine receives would be mirrored to it
// again, without end.
func (p *planner) refuseLoops() {
	say := p.refusef
	if p.Spec.AllowLoop {
		say = p.warnf
	}
	type loop struct{ source, balancer string }
	var order []loop
	looped := map[loop][]*account.Interface{}
	for _, w := range p.Desired {
		arn := p.Target(w.Target).LoadBalancer
		l := loop{w.source, arn}
		if w.ENI == nil || !isBehind(w.ENI, p.Account.Behind[arn]) || slices.Contains(looped[l], w.ENI) {
			continue
		}
		if looped[l] == nil {
			order = append(order, l)
		}
		looped[l] = append(looped[l], w.ENI)
	}
	for _, l := range order {
		list := looped[l]
		say("source %s: %s is behind %s, the target of its session: what it receives would be mirrored to it again, without end; exclude it: exclude: {%s}",
			l.source, firstOf(idsOfInterfaces(list)), balancerName(l.balancer), exclusion(list))
	}
	for _, arn := range p.Account.Unreadable {
		p.warnf("%s: whether a source is behind it cannot be said, and would be mirrored without end: elasticloadbalancing:DescribeTargetGroups and DescribeTargetHealth are not permitted", balancerName(arn))
	}
}

// isBehind reports whether an interface is among what a load balancer sends to.
func isBehind(eni *account.Interface, ids []string) bool {
	return eni.Instance != "" && slices.Contains(ids, eni.Instance) ||
		slices.ContainsFunc(eni.Addresses, func(a netip.Addr) bool { return slices.Contains(ids, a.String()) })
}

// balancerName returns the name of a load balancer by its ARN.
func balancerName(arn string) string {
	parts := strings.Split(arn, "/")
	if len(parts) < 3 {
		return arn
	}
	return "load balancer " + parts[len(parts)-2]
}

func idsOfInterfaces(list []*account.Interface) (ids []string) {
	for _, eni := range list {
		ids = append(ids, eni.ID)
	}
	return ids
}

// exclusion returns what excludes interfaces in a source: their instances, if all have one.
func exclusion(list []*account.Interface) string {
	key, ids := "instances", []string(nil)
	for _, eni := range list {
		if eni.Instance == "" {
			key, ids = "interfaces", idsOfInterfaces(list)
			break
		}
		if !slices.Contains(ids, eni.Instance) {
			ids = append(ids, eni.Instance)
		}
	}
	return fmt.Sprintf("%s: [%s]", key, strings.Join(ids, ", "))
}
