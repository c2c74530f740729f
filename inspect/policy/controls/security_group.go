package controls

import (
	"fmt"
	"net/netip"

	"github.com/mirrorsink/mirrorsink/inspect/policy"
)

// maxGroupRules is the default quota of egress rules of a security group and address family.
const maxGroupRules = 60

// ipPermission is one of IpPermissions of AuthorizeSecurityGroupEgress.
type ipPermission struct {
	IPProtocol string      `json:"IpProtocol"`
	FromPort   *int        `json:",omitempty"`
	ToPort     *int        `json:",omitempty"`
	IPRanges   []ipRange   `json:"IpRanges,omitempty"`
	IPv6Ranges []ipv6Range `json:"Ipv6Ranges,omitempty"`
}

type ipRange struct {
	CidrIP      string `json:"CidrIp"`
	Description string
}

type ipv6Range struct {
	CidrIPv6    string `json:"CidrIpv6"`
	Description string
}

// securityGroup writes the egress rules for networks. A security group has no names.
func securityGroup(p *policy.Policy, o Options) (Result, error) {
	g := struct {
		IPPermissions []ipPermission `json:"IpPermissions"`
	}{[]ipPermission{}}
	var r Result
	families := [2]int{}
	type entry struct {
		protocol string
		from, to int
		network  netip.Prefix
	}
	known := map[entry]bool{} // EC2 refuses an entry that is there twice
	for _, i := range items(p, o.Workload) {
		if i.to.Name != "" {
			r.LeftOut = append(r.LeftOut, i.leftOut("a security group has no names, and the addresses of a name change and are shared"))
			continue
		}
		list, why := o.networks(i.to)
		if why != "" {
			r.LeftOut = append(r.LeftOut, i.leftOut(why))
			continue
		}
		for _, perm := range permissions(i.rule.Ports) {
			for _, network := range list {
				e := entry{perm.IPProtocol, portOf(perm.FromPort), portOf(perm.ToPort), network}
				if known[e] {
					continue
				}
				known[e] = true
				families[familyOf(network)]++
				perm.add(network, i.rule.Name)
			}
			if len(perm.IPRanges)+len(perm.IPv6Ranges) > 0 {
				g.IPPermissions = append(g.IPPermissions, perm)
			}
		}
	}
	r.Rules = families[0] + families[1]
	r.Notes = append(r.Notes, "A new security group allows all egress by a rule of its own: revoke that one.")
	for f, n := range families {
		if n > maxGroupRules {
			r.Notes = append(r.Notes, fmt.Sprintf("%d rules of IPv%d: a security group takes %d by default.", n, 4+2*f, maxGroupRules))
		}
	}
	text, err := marshal(g)
	r.Text = text
	return r, err
}

// portOf returns the port of an entry; -1 for all.
func portOf(port *int) int {
	if port == nil {
		return -1
	}
	return *port
}

func familyOf(p netip.Prefix) int {
	if p.Addr().Is4() {
		return 0
	}
	return 1
}

func (perm *ipPermission) add(network netip.Prefix, rule string) {
	if network.Addr().Is4() {
		perm.IPRanges = append(perm.IPRanges, ipRange{network.String(), rule})
		return
	}
	perm.IPv6Ranges = append(perm.IPv6Ranges, ipv6Range{network.String(), rule})
}

// permissions returns an entry without networks for each range of ports.
func permissions(ports []policy.Ports) (all []ipPermission) {
	if len(ports) == 0 {
		return []ipPermission{{IPProtocol: "-1"}}
	}
	for _, protocol := range policy.Protocols {
		of, _ := portsOf(ports, protocol.Number)
		for _, p := range of {
			from, to := int(p.From), int(p.To)
			all = append(all, ipPermission{IPProtocol: protocol.Name, FromPort: &from, ToPort: &to})
		}
	}
	return all
}
