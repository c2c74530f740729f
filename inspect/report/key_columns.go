package report

import (
	"strconv"

	"github.com/mirrorsink/mirrorsink/inspect/where"
)

// keyColumn is a column of a table by which records are grouped.
type keyColumn struct {
	Column
	fields []string // the fields of flow logs that value reads
	value  func(*row) string
}

// endFields are the fields that tell the ends of a connection apart.
var endFields = []string{"srcaddr", "dstaddr", "pkt-srcaddr", "pkt-dstaddr", "srcport", "dstport", "flow-direction", "x-initiator"}

var (
	nameColumn      = keyColumn{Column{Name: "name"}, []string{"x-name"}, func(r *row) string { return r.Name }}
	addressColumn   = keyColumn{Column{Name: "address"}, endFields, func(r *row) string { return addrText(r.remote()) }}
	interfaceColumn = keyColumn{Column{Name: "interface_id"}, []string{"interface-id"}, func(r *row) string { return r.InterfaceID }}
	instanceColumn  = keyColumn{Column{Name: "instance_id"}, []string{"instance-id"}, func(r *row) string { return r.InstanceID }}
	vpcColumn       = keyColumn{Column{Name: "vpc_id"}, []string{"vpc-id"}, func(r *row) string { return r.VPCID }}
	appProtoColumn  = keyColumn{Column{Name: "app_proto"}, []string{"x-app-proto"}, func(r *row) string { return r.AppProto }}
	protocolColumn  = keyColumn{Column{Name: "protocol"}, []string{"protocol"}, func(r *row) string { return protocolName(r.Protocol) }}
	directionColumn = keyColumn{Column{Name: "flow_direction"}, []string{"flow-direction"}, func(r *row) string { return r.FlowDirection }}
	dstPortColumn   = keyColumn{Column{Name: "dstport", Unit: Digits}, []string{"dstport"}, func(r *row) string { return portText(r.DstPort) }}
	dstColumn       = keyColumn{Column{Name: "dstaddr"}, []string{"dstaddr", "pkt-dstaddr"}, func(r *row) string { return addrText(r.dst()) }}
	srcColumn       = keyColumn{Column{Name: "srcaddr"}, []string{"srcaddr", "pkt-srcaddr"}, func(r *row) string { return addrText(r.src()) }}
	roleColumn      = keyColumn{Column{Name: "role"}, endFields, func(r *row) string { return r.role().String() }}
	reasonColumn    = keyColumn{Column{Name: "direct_to_address"}, []string{"x-direct-to-address"}, func(r *row) string { return r.DirectToAddress }}
	communityColumn = keyColumn{Column{Name: "community_id"}, []string{"x-community-id"}, func(r *row) string { return r.CommunityID }}
	evidenceColumn  = keyColumn{Column{Name: "initiator_reason"}, []string{"x-initiator-reason"}, func(r *row) string { return r.InitiatorReason }}

	portColumn = keyColumn{Column{Name: "port", Unit: Digits}, endFields, func(r *row) string {
		_, port := r.server()
		return portText(port)
	}}
	serverColumn = keyColumn{Column{Name: "server"}, endFields, func(r *row) string {
		a, _ := r.server()
		return addrText(a)
	}}
	clientColumn = keyColumn{Column{Name: "client"}, endFields, func(r *row) string { return addrText(r.client()) }}
)

// ownerColumn is the instance of an interface; else the interface, else its address.
var ownerColumn = keyColumn{Column{Name: "instance"}, append([]string{"instance-id", "interface-id"}, endFields...), (*row).owner}

// domainColumn caches the domains of names: a look-up in the public suffix list takes longer than the rest of a record.
func domainColumn() keyColumn {
	domains := map[string]string{}
	return keyColumn{Column{Name: "domain"}, []string{"x-name"}, func(r *row) string {
		d, ok := domains[r.Name]
		if !ok {
			if len(domains) >= maxDomains {
				clear(domains)
			}
			d = where.Domain(r.Name)
			domains[r.Name] = d
		}
		return d
	}}
}

// maxDomains bounds the cache of domains.
const maxDomains = 1 << 14

// GroupColumns are the names of the columns that Top can group by.
var GroupColumns = []string{"name", "domain", "address", "port", "eni", "instance", "vpc", "app-proto"}

func groupColumn(name string) (keyColumn, bool) {
	switch name {
	case "name":
		return nameColumn, true
	case "domain":
		return domainColumn(), true
	case "address":
		return addressColumn, true
	case "port":
		return portColumn, true
	case "eni":
		return interfaceColumn, true
	case "instance":
		return instanceColumn, true
	case "vpc":
		return vpcColumn, true
	case "app-proto":
		return appProtoColumn, true
	default:
		return keyColumn{}, false
	}
}

func portText(port uint16) string {
	if port == 0 {
		return ""
	}
	return strconv.Itoa(int(port))
}

// protocolNames are the names of common IP protocols (IANA, Assigned Internet Protocol Numbers).
var protocolNames = map[uint8]string{1: "icmp", 6: "tcp", 17: "udp", 47: "gre", 50: "esp", 58: "icmpv6", 132: "sctp"}

func protocolName(p uint8) string {
	if name, ok := protocolNames[p]; ok {
		return name
	}
	return strconv.Itoa(int(p))
}
