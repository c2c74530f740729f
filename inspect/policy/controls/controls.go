// Package controls translates a policy for the controls that enforce one: AWS's Network Firewall, DNS Firewall and security groups, the
// proxies squid and envoy, and Cilium. A control that cannot hold a rule leaves it out, and the result says so: no rule is widened.
package controls

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/mirrorsink/mirrorsink/inspect/policy"
)

// Options are what a translation needs beside the policy.
type Options struct {
	Workload string         // the workload whose rules are exported; "" is all of them together
	Name     string         // of the rule group
	HomeNet  []netip.Prefix // the networks of the workloads
	Ranges   Ranges         // AWS's address ranges
}

// Ranges returns the networks of an AWS service; nil if the ranges are not loaded.
type Ranges func(service string) []netip.Prefix

// Result is a policy in the language of a control.
type Result struct {
	Text    []byte
	Rules   int      // what the control counts: rules, domains or entries
	LeftOut []string // destinations that the control cannot hold, each with the reason, in the order of the policy
	Notes   []string // what a person must know: default actions, limits
}

// Format is a control's language.
type Format struct {
	Name string
	Doc  string // one line
	Make func(*policy.Policy, Options) (Result, error)
}

// Formats are all formats.
var Formats = []Format{
	{"network-firewall-rules", "rule group of Suricata rules, JSON", networkFirewallRules},
	{"network-firewall-domains", "rule group of a domain list, JSON", networkFirewallDomains},
	{"dns-firewall", "domain list of DNS Firewall", dnsFirewall},
	{"security-group", "egress rules of a security group, JSON", securityGroup},
	{"squid", "access rules of squid 5", squid},
	{"envoy", "TLS filter chains of envoy, YAML", envoy},
	{"cilium", "CiliumNetworkPolicy, YAML", cilium},
}

// errNothing says that a control takes no empty list.
var errNothing = errors.New("the control can hold none of the destinations, and takes no empty list")

// Names returns the names of the formats.
func Names() []string {
	names := make([]string, len(Formats))
	for i, f := range Formats {
		names[i] = f.Name
	}
	return names
}

// item is one destination of a rule, for one control.
type item struct {
	rule *policy.Rule
	to   *policy.Destination
}

func (i *item) leftOut(why string) string {
	return fmt.Sprintf("%s: %s: %s", i.rule.Name, i.to, why)
}

// items returns the destinations of the rules of a workload, or of all.
func items(p *policy.Policy, workload string) (all []item) {
	for i := range p.Allow {
		r := &p.Allow[i]
		if workload != "" && len(r.From) > 0 && !slices.Contains(r.From, workload) {
			continue
		}
		for k := range r.To {
			all = append(all, item{r, &r.To[k]})
		}
	}
	return all
}

// names returns the names of all items, sorted by domain, without those that another covers. Domains come before the names below them.
func names(list []item) (kept []policy.Destination) {
	var all []policy.Destination
	for _, i := range list {
		if i.to.Name != "" {
			all = append(all, *i.to)
		}
	}
	slices.SortStableFunc(all, func(a, b policy.Destination) int {
		return cmp.Or(cmp.Compare(reversed(a.Name), reversed(b.Name)), compareBools(b.Below, a.Below), compareBools(b.Apex, a.Apex))
	})
	domain := -1 // the last one that has names below it: all of them follow it
	for _, n := range all {
		if domain >= 0 && kept[domain].Covers(&n) || len(kept) > 0 && kept[len(kept)-1].Covers(&n) {
			continue
		}
		if n.Below {
			domain = len(kept)
		}
		kept = append(kept, n)
	}
	return kept
}

// reversed returns a name with its labels in reverse, so that names sort by domain.
func reversed(text string) string {
	labels := strings.Split(text, ".")
	slices.Reverse(labels)
	return strings.Join(labels, "\x00")
}

func compareBools(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	default:
		return -1
	}
}

// networks returns the networks of a destination that is judged by address; why it has none otherwise.
func (o *Options) networks(d *policy.Destination) ([]netip.Prefix, string) {
	switch {
	case d.Network.IsValid():
		return []netip.Prefix{d.Network}, ""
	case d.Any:
		return []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}, ""
	case d.Private:
		return private, ""
	case o.Ranges == nil:
		return nil, "AWS's address ranges are not loaded: give ip-ranges.json"
	}
	if list := o.Ranges(d.Service); len(list) > 0 {
		return list, ""
	}
	return nil, "AWS's address ranges have no such service"
}

// networksOf returns the networks of a list of destinations, collapsed. What has none is added to the result's left out.
func (o *Options) networksOf(list []item, r *Result) []netip.Prefix {
	var all []netip.Prefix
	for _, i := range list {
		if i.to.Name != "" {
			continue
		}
		networks, why := o.networks(i.to)
		if why != "" {
			r.LeftOut = append(r.LeftOut, i.leftOut(why))
		}
		all = append(all, networks...)
	}
	return collapse(all)
}

// collapse returns networks in order, without those that another contains.
func collapse(list []netip.Prefix) (all []netip.Prefix) {
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b netip.Prefix) int {
		return cmp.Or(a.Addr().Compare(b.Addr()), cmp.Compare(a.Bits(), b.Bits()))
	})
	for _, p := range list {
		if n := len(all); n == 0 || !all[n-1].Contains(p.Addr()) {
			all = append(all, p)
		}
	}
	return all
}

// private are the networks of the keyword private: RFC 1918, RFC 6598, RFC 4193, link-local.
var private = []netip.Prefix{
	netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("169.254.0.0/16"),
	netip.MustParsePrefix("172.16.0.0/12"), netip.MustParsePrefix("192.168.0.0/16"), netip.MustParsePrefix("fc00::/7"),
	netip.MustParsePrefix("fe80::/10"),
}
