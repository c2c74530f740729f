package doctor

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/mirrorsink/mirrorsink/sessions"
	"github.com/mirrorsink/mirrorsink/sessions/account"
)

// securityGroups finds targets whose security groups do not admit the sources' copies.
func (s *setup) securityGroups() (all []Finding) {
	for _, t := range s.targets {
		if eni := s.Account.InterfaceByID[t.Interface]; eni != nil {
			all = append(all, s.admission(t, eni.Groups)...)
		}
		if b := s.balancers[t.LoadBalancer]; b != nil {
			all = append(all, s.admission(t, b.Groups)...)
			if len(t.sources) > 0 {
				s.note("%s: the security groups of the machines behind it; they too must admit UDP %d from the sources, whose addresses the load balancer keeps", t, vxlanPort)
			}
		}
	}
	return all
}

// admission finds the subnets of a target's sources that its security groups do not admit. A target without groups admits all.
func (s *setup) admission(t usedTarget, ids []string) []Finding {
	var groups []*account.SecurityGroup
	for _, id := range ids {
		if s.groups[id] == nil {
			if len(s.facts.Denied) == 0 {
				s.note("%s: its security group %s is not to be seen from this account", t, id)
			}
			return nil
		}
		groups = append(groups, s.groups[id])
	}
	if len(groups) == 0 {
		return nil
	}
	var refused []netip.Prefix
	var sources []*sessions.Desired
	for _, subnet := range bySubnet(t.sources) {
		switch block, ok := s.block(subnet[0].ENI); {
		case !ok && len(s.facts.Denied) == 0:
			s.note("%s: whether its security groups admit %s, which is not to be seen from this account", t, subnet[0].ENI.Subnet)
		case ok && !s.admits(t, groups, block, subnet):
			refused, sources = append(refused, block), append(sources, subnet...)
		}
	}
	if len(refused) == 0 {
		return nil
	}
	dropped := idsOf(interfacesOf(sources))
	return []Finding{{
		Subject: t.String(),
		What:    fmt.Sprintf("%s %s UDP %d from %s", joined(ids), plural(len(ids), "does not admit", "do not admit"), vxlanPort, joined(texts(refused))),
		Impact:  fmt.Sprintf("the copies of %s are dropped on the way: %s", count(len(dropped), "interface"), few(dropped)),
		Remedy:  authorizeCommand(ids[0], refused),
	}}
}

// authorizeCommand returns the command that admits mirrored packets from some networks. They are IPv4, since AWS mirrors no interface of
// a subnet without it.
func authorizeCommand(group string, blocks []netip.Prefix) string {
	var ranges []string
	for _, b := range blocks {
		ranges = append(ranges, fmt.Sprintf("{CidrIp=%s}", b))
	}
	return fmt.Sprintf("aws ec2 authorize-security-group-ingress --group-id %s --ip-permissions 'IpProtocol=udp,FromPort=%d,ToPort=%d,IpRanges=[%s]'",
		group, vxlanPort, vxlanPort, strings.Join(ranges, ","))
}

// bySubnet groups sources by their subnets, in the order of IDs.
func bySubnet(list []*sessions.Desired) (all [][]*sessions.Desired) {
	groups := map[string][]*sessions.Desired{}
	for _, w := range list {
		groups[w.ENI.Subnet] = append(groups[w.ENI.Subnet], w)
	}
	for _, id := range slices.Sorted(maps.Keys(groups)) {
		all = append(all, groups[id])
	}
	return all
}

// block returns the block of an interface's subnet that contains its primary address, from which the copies come.
func (s *setup) block(eni *account.Interface) (netip.Prefix, bool) {
	subnet := s.subnets[eni.Subnet]
	if subnet == nil {
		return netip.Prefix{}, false
	}
	for _, b := range subnet.CIDRs {
		if b.Contains(eni.Primary) {
			return b, true
		}
	}
	return netip.Prefix{}, false
}

// admits reports whether security groups admit the copies of the sources in a network. A permission for groups counts if every source is
// in one of them. The contents of prefix lists are not known: a permission for one counts and is noted.
func (s *setup) admits(t usedTarget, groups []*account.SecurityGroup, block netip.Prefix, sources []*sessions.Desired) bool {
	var blocks []netip.Prefix
	var members, lists []string
	for _, g := range groups {
		for _, p := range g.Ingress {
			if (p.Protocol == account.UDP || p.Protocol == account.AnyProtocol) && p.From <= vxlanPort && p.To >= vxlanPort {
				blocks, members, lists = append(blocks, p.CIDRs...), append(members, p.Groups...), append(lists, p.PrefixLists...)
			}
		}
	}
	if covered(block, blocks) || !slices.ContainsFunc(sources, func(w *sessions.Desired) bool { return !overlap(w.ENI.Groups, members) }) {
		return true
	}
	if len(lists) > 0 {
		s.note("%s: whether %s admits %v", t, joined(lists), block)
	}
	return len(lists) > 0
}

func overlap(a, b []string) bool {
	return slices.ContainsFunc(a, func(id string) bool { return slices.Contains(b, id) })
}
