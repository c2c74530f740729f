package spec

import (
	"cmp"

	"github.com/goccy/go-yaml/ast"
)

// target reads a target, which has exactly one address or ID.
func (l *loader) target(at Position, name string, n ast.Node) {
	t := Target{At: at, Name: name}
	what := "target " + quote(name)
	before := len(l.problems)
	given := l.mapping(n, what, fields{
		"id":                             one(l, &t.ID, targetID.parse),
		"network-interface":              one(l, &t.Interface, interfaceID.parse),
		"network-load-balancer":          one(l, &t.LoadBalancer, parseLoadBalancer),
		"gateway-load-balancer-endpoint": one(l, &t.Endpoint, endpointID.parse),
	})
	if len(given) != 1 && len(l.problems) == before {
		l.problem(at, "%s: want exactly one of network-interface, network-load-balancer, gateway-load-balancer-endpoint and id, found %d", what, len(given))
	}
	l.spec.Targets = append(l.spec.Targets, t)
}

// checkTargets records targets with the same address. AWS would create two of them, and sessions would move without effect.
func (l *loader) checkTargets() {
	first := map[string]*Target{}
	for i := range l.spec.Targets {
		t := &l.spec.Targets[i]
		address := cmp.Or(t.ID, t.Interface, t.LoadBalancer, t.Endpoint)
		if address == "" {
			continue // recorded already
		}
		if other := first[address]; other != nil {
			l.problem(t.At, "target %s is the same as %s in line %d: use that one", quote(t.Name), quote(other.Name), other.At.Line)
			continue
		}
		first[address] = t
	}
}
