package controls

import (
	"fmt"
	"strings"

	"github.com/mirrorsink/mirrorsink/inspect/policy"
)

// squid writes access rules: for each rule of the policy an ACL of names or networks and one of ports. dstdomain .x is x and all names
// below it; names below a domain without it want a pattern.
func squid(p *policy.Policy, o Options) (Result, error) {
	var text strings.Builder
	r := Result{Notes: []string{
		"The clients must use the proxy: what goes past it is not seen. The file ends with http_access deny all.",
		"CONNECT is judged by the name that the client gives, not by the SNI within.",
	}}
	text.WriteString("# Made by mirrorsink policy export.\n")
	for i := range p.Allow {
		rule := &p.Allow[i]
		one := &policy.Policy{Allow: []policy.Rule{*rule}}
		list := items(one, o.Workload)
		if len(list) == 0 {
			continue
		}
		if rawProtocolOnly(rule.Ports) {
			for _, it := range list {
				r.LeftOut = append(r.LeftOut, it.leftOut("a proxy has TCP only"))
			}
			continue
		}
		// By number: squid limits the length of these names, and two rules' names may differ in characters that they cannot have.
		id := fmt.Sprintf("mirrorsink_%d", i+1)
		fmt.Fprintf(&text, "# %s\n", rule.Name)
		acls := squidNames(&text, id, names(squidItems(list, &r)))
		acls = append(acls, squidNetworks(&text, id, list, &o, &r)...)
		r.Rules += len(acls)
		ports := ""
		if of, all := portsOf(rule.Ports, policy.TCP); !all {
			fmt.Fprintf(&text, "acl %s_ports port", id)
			for _, p := range of {
				text.WriteString(" " + rangeText(p, "-"))
			}
			text.WriteString("\n")
			ports = " " + id + "_ports"
		}
		for _, acl := range acls {
			fmt.Fprintf(&text, "http_access allow %s%s\n", acl, ports)
		}
	}
	text.WriteString("http_access deny all\n")
	r.Text = []byte(text.String())
	return r, nil
}

// squidItems returns the items without those that squid would take for an option.
func squidItems(list []item, r *Result) (kept []item) {
	for _, i := range list {
		if strings.HasPrefix(i.to.Name, "-") && !i.to.Below {
			r.LeftOut = append(r.LeftOut, i.leftOut("squid takes a name that begins with a dash for an option"))
			continue
		}
		kept = append(kept, i)
	}
	return kept
}

// squidNames writes the ACLs of names, and returns theirs.
func squidNames(text *strings.Builder, id string, all []policy.Destination) (acls []string) {
	var domains, patterns []string
	for _, n := range all {
		switch {
		case n.Below && n.Apex:
			domains = append(domains, "."+n.Name)
		case n.Below:
			patterns = append(patterns, `\.`+strings.ReplaceAll(n.Name, ".", `\.`)+`$`)
		default:
			domains = append(domains, n.Name)
		}
	}
	if len(domains) > 0 {
		acls = append(acls, id+"_names")
		for _, d := range domains {
			fmt.Fprintf(text, "acl %s_names dstdomain %s\n", id, d)
		}
	}
	if len(patterns) > 0 {
		acls = append(acls, id+"_below")
		for _, p := range patterns {
			fmt.Fprintf(text, "acl %s_below dstdom_regex -n -i %s\n", id, p)
		}
	}
	return acls
}

// squidNetworks writes the ACL of networks, and returns its name. Squid ignores a network within another in silence, so they are collapsed. It
// has words for all addresses.
func squidNetworks(text *strings.Builder, id string, list []item, o *Options, r *Result) []string {
	networks := prefixTexts(o.networksOf(list, r))
	words := map[string]string{"0.0.0.0/0": "ipv4", "::/0": "ipv6"}
	every := 0
	for i, n := range networks {
		if word := words[n]; word != "" {
			networks[i] = word
			every++
		}
	}
	switch {
	case every == len(words):
		return []string{"all"}
	case len(networks) == 0:
		return nil
	}
	for _, n := range networks {
		fmt.Fprintf(text, "acl %s_networks dst %s\n", id, n)
	}
	return []string{id + "_networks"}
}
