package controls

import (
	"strings"

	"github.com/mirrorsink/mirrorsink/inspect/policy"
)

// dnsFirewall writes a domain list, a domain a line, as import-firewall-domains takes it. *.x is all names below x.
func dnsFirewall(p *policy.Policy, o Options) (Result, error) {
	all := items(p, o.Workload)
	var text strings.Builder
	r := Result{LeftOut: withoutName(all, "DNS Firewall sees names only"), Notes: []string{
		"Every workload of a VPC has the same list, on all ports. Connections without a lookup, and lookups at other resolvers, are not seen.",
		"FirewallDomainRedirectionAction INSPECT_REDIRECTION_DOMAIN wants every CNAME of a chain on the list: set TRUST_REDIRECTION_DOMAIN, or list the chains.",
	}}
	line := func(domain string) {
		text.WriteString(domain + "\n")
		r.Rules++
	}
	for _, n := range names(all) {
		if n.Apex {
			line(n.Name)
		}
		if n.Below {
			line("*." + n.Name)
		}
	}
	r.Text = []byte(text.String())
	return r, nil
}
