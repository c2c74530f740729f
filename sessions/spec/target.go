package spec

import (
	"cmp"

	"github.com/mirrorsink/mirrorsink/inspect/strictyaml"
)

// target reads a target, which has exactly one address or ID.
func (l *loader) target(at strictyaml.Position, name string, n *strictyaml.Node) {
	t := Target{At: at, Name: name}
	what := "target " + strictyaml.Quote(name)
	before := l.Problems()
	given := l.Mapping(n, what, strictyaml.Fields{
		"id":                             strictyaml.One(l.Loader, &t.ID, targetID.parse),
		"network-interface":              strictyaml.One(l.Loader, &t.Interface, interfaceID.parse),
		"network-load-balancer":          strictyaml.One(l.Loader, &t.LoadBalancer, parseLoadBalancer),
		"gateway-load-balancer-endpoint": strictyaml.One(l.Loader, &t.Endpoint, endpointID.parse),
	})
	if len(given) != 1 && l.Problems() == before {
		l.Problem(at, "%s: want exactly one of network-interface, network-load-balancer, gateway-load-balancer-endpoint and id, found %d", what, len(given))
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
			l.Problem(t.At, "target %s is the same as %s in line %d: use that one", strictyaml.Quote(t.Name), strictyaml.Quote(other.Name), other.At.Line)
			continue
		}
		first[address] = t
	}
}
