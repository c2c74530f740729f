package controls

import (
	"cmp"
	"fmt"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/mirrorsink/mirrorsink/inspect/policy"
)

// envoy writes a listener for connections that are redirected to it: a filter chain for each port and its names, by SNI. What has no chain
// is closed. Networks are left out: they want chains without names, which would let every name pass.
func envoy(p *policy.Policy, o Options) (Result, error) {
	all := items(p, o.Workload)
	r := Result{LeftOut: withoutName(all, "a chain for a network would let every name at it pass"), Notes: []string{
		"The listener takes TLS by SNI on 15001, where iptables REDIRECT or a transparent proxy must send it. HTTP in the clear has no SNI and is closed.",
		"The forward proxy looks each name up itself, so the address of the client's choice is not used.",
	}}
	var chains []object
	for _, c := range chainsOf(all, &r) {
		chains = append(chains, object{
			{"filter_chain_match", append(c.match(), field{"server_names", c.names})},
			{"filters", []object{
				{
					{"name", "envoy.filters.network.sni_dynamic_forward_proxy"},
					{"typed_config", object{
						{"@type", "type.googleapis.com/envoy.extensions.filters.network.sni_dynamic_forward_proxy.v3.FilterConfig"},
						{"port_value", int(c.port)},
						{"dns_cache_config", object{{"name", "egress"}, {"dns_lookup_family", "V4_PREFERRED"}}},
					}},
				},
				{
					{"name", "envoy.filters.network.tcp_proxy"},
					{"typed_config", object{
						{"@type", "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy"},
						{"stat_prefix", "egress"}, {"cluster", "egress"},
					}},
				},
			}},
		})
		r.Rules += len(c.names)
	}
	if r.Rules == 0 {
		return Result{}, errNothing
	}
	text, err := yaml.Marshal(object{{"static_resources", object{
		{"listeners", []object{{
			{"name", "egress"},
			{"address", object{{"socket_address", object{{"address", "0.0.0.0"}, {"port_value", 15001}}}}},
			{"listener_filters", []object{
				{{"name", "envoy.filters.listener.original_dst"}, {"typed_config", object{{"@type", "type.googleapis.com/envoy.extensions.filters.listener.original_dst.v3.OriginalDst"}}}},
				{{"name", "envoy.filters.listener.tls_inspector"}, {"typed_config", object{{"@type", "type.googleapis.com/envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector"}}}},
			}},
			{"filter_chains", chains},
		}}},
		{"clusters", []object{{
			{"name", "egress"}, {"lb_policy", "CLUSTER_PROVIDED"},
			{"cluster_type", object{
				{"name", "envoy.clusters.dynamic_forward_proxy"},
				{"typed_config", object{
					{"@type", "type.googleapis.com/envoy.extensions.clusters.dynamic_forward_proxy.v3.ClusterConfig"},
					{"dns_cache_config", object{{"name", "egress"}, {"dns_lookup_family", "V4_PREFERRED"}}},
				}},
			}},
		}}},
	}}})
	r.Text = text
	return r, err
}

// chain is the names that may be reached on one port.
type chain struct {
	port  uint16
	names []string
}

func (c *chain) match() object {
	return object{{"destination_port", int(c.port)}, {"transport_protocol", "tls"}}
}

// maxChains bounds the ports of a rule that become chains, each of its own.
const maxChains = 64

// chainsOf returns a chain for each port of rules for names. A rule without ports is one for 443.
func chainsOf(all []item, r *Result) (chains []chain) {
	byPort := map[uint16][]item{}
	for _, i := range all {
		if i.to.Name == "" {
			continue
		}
		of, every := portsOf(i.rule.Ports, policy.TCP)
		if every {
			of = []policy.Ports{{From: 443, To: 443}}
			r.Notes = append(r.Notes, i.leftOut("the rule has all ports, a chain has one: 443"))
		}
		n := 0
		for _, p := range of {
			n += int(p.To) - int(p.From) + 1
		}
		if n == 0 || n > maxChains {
			r.LeftOut = append(r.LeftOut, i.leftOut(fmt.Sprintf("it has %d ports of TCP, each of which is a chain: at most %d", n, maxChains)))
			continue
		}
		for _, p := range of {
			for port := int(p.From); port <= int(p.To); port++ {
				byPort[uint16(port)] = append(byPort[uint16(port)], i)
			}
		}
	}
	for port, list := range byPort {
		c := chain{port: port}
		for _, n := range names(list) {
			if n.Apex {
				c.names = append(c.names, n.Name)
			}
			if n.Below {
				c.names = append(c.names, "*."+n.Name)
			}
		}
		chains = append(chains, c)
	}
	slices.SortFunc(chains, func(a, b chain) int { return cmp.Compare(a.port, b.port) })
	return chains
}
