package sessions

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
)

// vxlanPort is where mirrored packets go, and udp their protocol.
const (
	vxlanPort = 4789
	udp       = 17
)

// targetsThere looks whether what the targets stand for is there and takes packets.
func (s *setup) targetsThere() (all []Finding) {
	for _, t := range s.targets {
		f := Finding{Subject: t.String(), Cost: "no copy arrives, and AWS says nothing"}
		switch eni := s.ix.byID[t.Interface]; {
		case t.Interface != "" && eni == nil:
			f.What = "there is no such network interface in this account and region"
			f.Mend = "name the interface of the sink in the spec; its address finds it: aws ec2 describe-network-interfaces --filters Name=private-ip-address,Values=ADDRESS"
		case eni != nil && idle(eni, s.ix.instances[eni.Instance]) != "":
			f.What = idle(eni, s.ix.instances[eni.Instance])
			f.Mend = "start the sink's instance, or attach the interface to it"
		case slices.Contains(s.Gone, t.LoadBalancer):
			f.What = "there is no such load balancer in this account and region"
			f.Mend = "name the sink's load balancer in the spec: aws elbv2 describe-load-balancers"
		case s.balancers[t.LoadBalancer] != nil && s.balancers[t.LoadBalancer].Type != "network":
			f.What = fmt.Sprintf("it is a load balancer of type %s; AWS mirrors to Network Load Balancers", s.balancers[t.LoadBalancer].Type)
			f.Mend = "make a Network Load Balancer, or name the endpoint of a Gateway Load Balancer by gateway-load-balancer-endpoint"
		default:
			continue
		}
		all = append(all, f)
	}
	return all
}

// sessionTargets finds sessions of ours that send to what is gone.
func (s *setup) sessionTargets() (all []Finding) {
	shared := map[string]bool{} // which cannot be seen, and may be there
	for i := range s.spec.Targets {
		shared[s.spec.Targets[i].ID] = true
	}
	lost := map[string][]string{} // session IDs by target
	for i := range s.ix.Sessions {
		n := &s.ix.Sessions[i]
		t := s.ix.targets[n.Target]
		gone := t == nil && !shared[n.Target] || t != nil && (t.Interface != "" && s.ix.byID[t.Interface] == nil || slices.Contains(s.Gone, t.LoadBalancer))
		if s.ours(n.Tags) && gone {
			lost[n.Target] = append(lost[n.Target], n.ID)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(lost)) {
		what := "it does not exist any more"
		if t := s.ix.targets[id]; t != nil {
			what = t.Address() + ", for which it stands, does not exist any more"
		}
		all = append(all, Finding{
			Subject: "target " + id,
			What:    fmt.Sprintf("%s, and %s: %s", what, send(len(lost[id])), few(lost[id])),
			Cost:    "their interfaces are not mirrored, AWS says nothing, and each session is billed on",
			Mend:    fmt.Sprintf("name the sink's new address in the spec, and run mirrorsink sessions apply -f %s", s.spec.File),
		})
	}
	return all
}

func send(sessions int) string {
	if sessions == 1 {
		return "1 session of ours sends to it"
	}
	return fmt.Sprintf("%d sessions of ours send to it", sessions)
}

// securityGroups looks whether targets admit what the sources send.
func (s *setup) securityGroups() (all []Finding) {
	for _, t := range s.targets {
		if eni := s.ix.byID[t.Interface]; eni != nil {
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

// admission finds the subnets of a target's sources that its security groups do not admit. A target without any admits all.
func (s *setup) admission(t usedTarget, ids []string) []Finding {
	var groups []*SecurityGroup
	for _, id := range ids {
		if s.groups[id] == nil {
			if len(s.Denied) == 0 {
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
	var sources []*wanted
	for _, subnet := range bySubnet(t.sources) {
		switch block, ok := s.block(subnet[0].eni); {
		case !ok && len(s.Denied) == 0:
			s.note("%s: whether its security groups admit %s, which is not to be seen from this account", t, subnet[0].eni.Subnet)
		case ok && !s.admits(t, groups, block, subnet):
			refused, sources = append(refused, block), append(sources, subnet...)
		}
	}
	if len(refused) == 0 {
		return nil
	}
	return []Finding{{
		Subject: t.String(),
		What:    fmt.Sprintf("%s %s UDP %d from %s", joined(ids), plural(len(ids), "does not admit", "do not admit"), vxlanPort, joined(texts(refused))),
		Cost:    fmt.Sprintf("the copies of %s are dropped on the way: %s", count(len(interfacesOf(sources)), "interface"), few(interfacesOf(sources))),
		Mend:    admit(ids[0], refused),
	}}
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

func texts[T fmt.Stringer](list []T) (all []string) {
	for _, v := range list {
		all = append(all, v.String())
	}
	return all
}

// admit is the command that admits mirrored packets of some networks. They are of IPv4: AWS mirrors no interface of a subnet
// without it.
func admit(group string, blocks []netip.Prefix) string {
	var ranges []string
	for _, b := range blocks {
		ranges = append(ranges, fmt.Sprintf("{CidrIp=%s}", b))
	}
	return fmt.Sprintf("aws ec2 authorize-security-group-ingress --group-id %s --ip-permissions 'IpProtocol=udp,FromPort=%d,ToPort=%d,IpRanges=[%s]'",
		group, vxlanPort, vxlanPort, strings.Join(ranges, ","))
}

// bySubnet groups sources by their subnets, in the order of IDs.
func bySubnet(list []*wanted) (all [][]*wanted) {
	groups := map[string][]*wanted{}
	for _, w := range list {
		groups[w.eni.Subnet] = append(groups[w.eni.Subnet], w)
	}
	for _, id := range slices.Sorted(maps.Keys(groups)) {
		all = append(all, groups[id])
	}
	return all
}

// block is the network from which an interface's copies come: that of its subnet in which its primary address is.
func (s *setup) block(eni *Interface) (netip.Prefix, bool) {
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

// admits reports whether security groups let in what the sources in a network send. A permission for groups holds if all of
// the sources are in one of them; of prefix lists it is not known what is in them, which is noted.
func (s *setup) admits(t usedTarget, groups []*SecurityGroup, block netip.Prefix, sources []*wanted) bool {
	var blocks []netip.Prefix
	var members, lists []string
	for _, g := range groups {
		for _, p := range g.Ingress {
			if (p.Protocol == udp || p.Protocol == AnyProtocol) && p.From <= vxlanPort && p.To >= vxlanPort {
				blocks, members, lists = append(blocks, p.CIDRs...), append(members, p.Groups...), append(lists, p.PrefixLists...)
			}
		}
	}
	if covered(block, blocks) || !slices.ContainsFunc(sources, func(w *wanted) bool { return !overlap(w.eni.Groups, members) }) {
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

// covered reports whether every address of a network is in one of some others.
func covered(p netip.Prefix, by []netip.Prefix) bool {
	inside := false
	for _, b := range by {
		if b.Bits() <= p.Bits() && b.Contains(p.Addr()) {
			return true
		}
		inside = inside || p.Overlaps(b)
	}
	if !inside {
		return false
	}
	low, high := halves(p)
	return covered(low, by) && covered(high, by)
}

// halves cuts a network in two. It has more than one address.
func halves(p netip.Prefix) (low, high netip.Prefix) {
	bytes := p.Masked().Addr().AsSlice()
	bytes[p.Bits()/8] |= 0x80 >> (p.Bits() % 8)
	upper, _ := netip.AddrFromSlice(bytes) // as long as it was
	return netip.PrefixFrom(p.Masked().Addr(), p.Bits()+1), netip.PrefixFrom(upper, p.Bits()+1)
}

// zonesOf are the availability zones of sessions' interfaces, with how many there are in each.
func zonesOf(list []*wanted) (zones []string, in map[string]int) {
	in = map[string]int{}
	for _, w := range list {
		in[cmp.Or(w.eni.Zone, "(unknown)")]++
	}
	return slices.Sorted(maps.Keys(in)), in
}
