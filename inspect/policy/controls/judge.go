package controls

import (
	"slices"

	"github.com/mirrorsink/mirrorsink/inspect/policy"
)

// Outcome is what a control would do with a flow.
type Outcome struct {
	Passes bool
	Why    string // one phrase
}

// Control is a control that enforces the exported policy.
type Control struct {
	Name  string
	Doc   string
	Judge func(*policy.Policy, *policy.Flow) Outcome
}

// Controls are all controls, in the order of reports. Each holds what its format of Formats can hold, and nothing else.
var Controls = []Control{
	{"security-group", "security groups: addresses and ports", bySecurityGroup},
	{"dns-firewall", "Route 53 Resolver DNS Firewall: lookups at the VPC's resolver", byDNSFirewall},
	{"network-firewall", "Network Firewall by SNI and HTTP host, default drop_established_app_layer_to_server", byNetworkFirewall},
	{"network-firewall-validated", "the same with validation of resolved addresses", byValidatedFirewall},
	{"proxy", "an explicit proxy for TLS and HTTP", byProxy},
}

func passes(why string) Outcome { return Outcome{true, why} }
func blocks(why string) Outcome { return Outcome{false, why} }

// bySecurityGroup judges by the rules for addresses.
func bySecurityGroup(p *policy.Policy, f *policy.Flow) Outcome {
	if rule, ok := p.AllowsAddress(f); ok {
		return passes(rule)
	}
	return blocks("no rule for its address: a security group has no names")
}

// byDNSFirewall judges by the lookups that explain the flow. A flow without one is not seen.
func byDNSFirewall(p *policy.Policy, f *policy.Flow) Outcome {
	switch {
	case f.NoDNS:
		return passes("not seen: no lookup at the VPC's resolver")
	case len(f.Names.Lookups) == 0:
		return passes("not seen: no lookup explains the address")
	case slices.ContainsFunc(f.Names.Lookups, p.ListsName):
		return passes("a lookup is on the list")
	default:
		return blocks("its lookup is not on the list")
	}
}

// Application protocols as flow logs have them.
const (
	appTLS  = "tls"
	appHTTP = "http"
)

// byNetworkFirewall judges as the exported Suricata rules do, with the default action drop_established_app_layer_to_server.
func byNetworkFirewall(p *policy.Policy, f *policy.Flow) Outcome {
	if rule, ok := p.AllowsAddress(f); ok {
		return passes(rule)
	}
	switch {
	case f.Protocol != policy.TCP && f.Single:
		return passes("not dropped: nothing was sent after an answer, and only then is a flow without TCP established")
	case f.Protocol == policy.UDP:
		return blocks("a name over UDP is not compared, and no rule has its address")
	case f.Protocol != policy.TCP:
		return blocks("no rule has its address")
	}
	name := ""
	switch f.App {
	case appTLS:
		name = f.Names.SNI
		if name == "" {
			return blocks("TLS without SNI, and no rule has its address")
		}
	case appHTTP:
		name = f.Names.Host
	default:
		return blocks("neither TLS nor HTTP, and no rule has its address")
	}
	if rule, ok := p.AllowsName(f, name); ok {
		return passes(rule)
	}
	return blocks("no rule has its name")
}

// byValidatedFirewall judges as byNetworkFirewall, and wants the address of a name to be one that the VPC's resolver gave for it.
func byValidatedFirewall(p *policy.Policy, f *policy.Flow) Outcome {
	o := byNetworkFirewall(p, f)
	if _, byAddress := p.AllowsAddress(f); !o.Passes || byAddress {
		return o
	}
	name := f.Names.SNI
	if f.App == appHTTP {
		name = f.Names.Host
	}
	if !slices.Contains(f.Names.Lookups, name) {
		return blocks("the VPC's resolver did not give the address for the name")
	}
	return o
}

// byProxy judges by the name that a client would give to a proxy.
func byProxy(p *policy.Policy, f *policy.Flow) Outcome {
	if f.Protocol != policy.TCP {
		return blocks("UDP does not pass a proxy")
	}
	if rule, ok := p.AllowsAddress(f); ok {
		return passes(rule)
	}
	name := f.Names.SNI
	if f.App == appHTTP {
		name = f.Names.Host
	}
	if f.App != appTLS && f.App != appHTTP {
		return blocks("neither TLS nor HTTP: clients without support for a proxy break")
	}
	if rule, ok := p.AllowsName(f, name); ok {
		return passes(rule)
	}
	return blocks("no rule has its name")
}
