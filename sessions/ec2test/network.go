package ec2test

import (
	"net/netip"
)

var subnetKind = &kind[Subnet]{
	table: func(d *store) *table[Subnet] { return &d.subnets },
	ids:   "SubnetId", notFound: "InvalidSubnetID.NotFound", noun: "subnet", set: "subnetSet",
	fields: fields[Subnet]{
		"availability-zone": func(_ *store, s *Subnet) []string { return one(s.Zone) },
		"cidr-block":        func(_ *store, s *Subnet) []string { return one(s.CIDR.String()) },
		"owner-id":          func(_ *store, s *Subnet) []string { return one(s.Owner) },
		"state":             func(*store, *Subnet) []string { return one("available") },
		"subnet-id":         func(_ *store, s *Subnet) []string { return one(s.ID) },
		"vpc-id":            func(_ *store, s *Subnet) []string { return one(s.VPC) },
	},
	tags:  func(s *Subnet) map[string]string { return s.Tags },
	write: writeSubnet,
}

func writeSubnet(w xmlWriter, s *Subnet) {
	w.value("subnetId", s.ID)
	w.value("state", "available")
	w.text("vpcId", s.VPC)
	w.value("ownerId", s.Owner)
	w.text("availabilityZone", s.Zone)
	if s.CIDR.IsValid() {
		w.value("cidrBlock", s.CIDR.String())
	}
	w.in("ipv6CidrBlockAssociationSet", func() {
		if s.IPv6.IsValid() {
			w.in("item", func() {
				w.value("ipv6CidrBlock", s.IPv6.String())
				w.in("ipv6CidrBlockState", func() { w.value("state", "associated") })
			})
		}
	})
	w.tags(s.Tags)
}

// groupKind has the documented filters except those of single permissions.
var groupKind = &kind[SecurityGroup]{
	table: func(d *store) *table[SecurityGroup] { return &d.groups },
	ids:   "GroupId", notFound: "InvalidGroup.NotFound", noun: "security group", set: "securityGroupInfo",
	fields: fields[SecurityGroup]{
		"description": func(_ *store, g *SecurityGroup) []string { return one(g.Description) },
		"group-id":    func(_ *store, g *SecurityGroup) []string { return one(g.ID) },
		"group-name":  func(_ *store, g *SecurityGroup) []string { return one(g.Name) },
		"owner-id":    func(_ *store, g *SecurityGroup) []string { return one(g.Owner) },
		"vpc-id":      func(_ *store, g *SecurityGroup) []string { return one(g.VPC) },
	},
	tags:    func(g *SecurityGroup) map[string]string { return g.Tags },
	write:   writeGroup,
	unpaged: true,
}

func writeGroup(w xmlWriter, g *SecurityGroup) {
	w.value("groupId", g.ID)
	w.value("groupName", g.Name)
	w.text("groupDescription", g.Description)
	w.value("ownerId", g.Owner)
	w.text("vpcId", g.VPC)
	writePermissions(w, "ipPermissions", g.Ingress)
	writePermissions(w, "ipPermissionsEgress", g.Egress)
	w.tags(g.Tags)
}

func writePermissions(w xmlWriter, name string, list []Permission) {
	writeSet(w, name, list, func(p Permission) {
		w.value("ipProtocol", p.Protocol)
		if p.Protocol != "-1" {
			w.number("fromPort", p.From)
			w.number("toPort", p.To)
		}
		writeSet(w, "groups", p.Groups, func(id string) { w.value("groupId", id) })
		writeSet(w, "ipRanges", family(p.CIDRs, netip.Addr.Is4), func(c netip.Prefix) { w.value("cidrIp", c.String()) })
		writeSet(w, "ipv6Ranges", family(p.CIDRs, netip.Addr.Is6), func(c netip.Prefix) { w.value("cidrIpv6", c.String()) })
	})
}

func family(all []netip.Prefix, is func(netip.Addr) bool) (some []netip.Prefix) {
	for _, p := range all {
		if is(p.Addr()) {
			some = append(some, p)
		}
	}
	return some
}
