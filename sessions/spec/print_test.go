package spec

import (
	"fmt"

	"pgregory.net/rapid"

	"github.com/mirrorsink/mirrorsink/sessions/account"
)

// tree is a mapping to be printed.
type tree map[string]any

// put sets what is given, and leaves out the zero value.
func put[T comparable](m tree, key string, value T) {
	if value != *new(T) {
		m[key] = value
	}
}

// printable makes trees of specs, each thing in one of the ways that mean the same.
type printable struct{ *rapid.T }

// list is a list, or the one element itself.
func list[T any](p printable, m tree, key string, values []T) {
	switch {
	case len(values) == 1 && rapid.Bool().Draw(p.T, "single"):
		m[key] = values[0]
	case len(values) > 0:
		m[key] = values
	}
}

func (p printable) spec(s *Spec) tree {
	targets, filters, sources, sessions := tree{}, tree{}, tree{}, tree{}
	for _, t := range s.Targets {
		targets[t.Name] = p.target(t)
	}
	for _, f := range s.Filters {
		filters[f.Name] = p.filter(f)
	}
	for _, source := range s.Sources {
		sources[source.Name] = p.source(source)
	}
	for _, session := range s.Sessions {
		sessions[session.Name] = p.session(session)
	}
	return tree{"owner": s.Owner, "targets": targets, "filters": filters, "sources": sources, "sessions": sessions}
}

func (p printable) target(t Target) tree {
	m := tree{}
	put(m, "id", t.ID)
	put(m, "network-interface", t.Interface)
	put(m, "network-load-balancer", t.LoadBalancer)
	put(m, "gateway-load-balancer-endpoint", t.Endpoint)
	return m
}

func (p printable) filter(f Filter) tree {
	rules := map[string][]tree{account.Ingress: {}, account.Egress: {}}
	for _, r := range f.Rules {
		rules[r.Direction] = append(rules[r.Direction], p.rule(r))
	}
	m := tree{account.Ingress: rules[account.Ingress], account.Egress: rules[account.Egress]}
	if !f.AmazonDNS || rapid.Bool().Draw(p.T, "given") {
		m["amazon-dns"] = f.AmazonDNS
	}
	return m
}

func (p printable) rule(r account.Rule) tree {
	m := tree{"number": r.Number, "action": r.Action, "source": r.Source.String()}
	if r.Destination.Bits() > 0 || rapid.Bool().Draw(p.T, "given") {
		m["destination"] = r.Destination.String()
	}
	if r.Protocol != 0 || rapid.Bool().Draw(p.T, "given") {
		m["protocol"] = rapid.SampledFrom([]any{r.Protocol, account.ProtocolName(r.Protocol)}).Draw(p.T, "protocol")
	}
	for key, ports := range map[string]*account.PortRange{"source-ports": r.SourcePorts, "destination-ports": r.DestinationPorts} {
		if ports != nil {
			m[key] = span(ports.From, ports.To)
		}
	}
	return m
}

func span[T comparable](from, to T) any {
	if from == to {
		return from
	}
	return fmt.Sprintf("%v-%v", from, to)
}

func (p printable) source(s Source) tree {
	m := p.selector(s.Selector)
	put(m, "optional", s.Optional)
	list(p, m, "devices", s.Devices)
	var exclude []tree
	for _, e := range s.Exclude {
		exclude = append(exclude, p.selector(e))
	}
	list(p, m, "exclude", exclude)
	return m
}

func (p printable) selector(s Selector) tree {
	m := tree{"tags": s.Tags}
	list(p, m, "interfaces", s.Interfaces)
	list(p, m, "instances", s.Instances)
	list(p, m, "auto-scaling-groups", s.Groups)
	list(p, m, "vpcs", s.VPCs)
	list(p, m, "types", s.Types)
	list(p, m, "subnets", s.Subnets)
	return m
}

func (p printable) session(s Session) tree {
	m := tree{"filter": s.Filter}
	list(p, m, "sources", s.Sources)
	put(m, "target", s.Target)
	if s.ZoneTargets != nil {
		m["target"] = s.ZoneTargets
	}
	put(m, "packet-length", s.PacketLength)
	put(m, "number", s.Number)
	if s.VNI.Set {
		m["vni"] = span(s.VNI.From, s.VNI.To)
	}
	return m
}
