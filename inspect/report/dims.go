package report

import (
	"strconv"

	"github.com/mirrorsink/mirrorsink/inspect/where"
)

// ends are the fields by which the ends of a connection are told apart.
var ends = []string{"srcaddr", "dstaddr", "pkt-srcaddr", "pkt-dstaddr", "srcport", "dstport", "flow-direction", "x-initiator"}

var (
	dimName      = dim{Column{Name: "name"}, []string{"x-name"}, func(r *row) string { return r.Name }}
	dimAddress   = dim{Column{Name: "address"}, ends, func(r *row) string { return addrText(r.remote()) }}
	dimENI       = dim{Column{Name: "interface_id"}, []string{"interface-id"}, func(r *row) string { return r.InterfaceID }}
	dimInstance  = dim{Column{Name: "instance_id"}, []string{"instance-id"}, func(r *row) string { return r.InstanceID }}
	dimVPC       = dim{Column{Name: "vpc_id"}, []string{"vpc-id"}, func(r *row) string { return r.VPCID }}
	dimAppProto  = dim{Column{Name: "app_proto"}, []string{"x-app-proto"}, func(r *row) string { return r.AppProto }}
	dimProtocol  = dim{Column{Name: "protocol"}, []string{"protocol"}, func(r *row) string { return protocolName(r.Protocol) }}
	dimDirection = dim{Column{Name: "flow_direction"}, []string{"flow-direction"}, func(r *row) string { return r.FlowDirection }}
	dimDstPort   = dim{Column{Name: "dstport", Unit: Digits}, []string{"dstport"}, func(r *row) string { return portText(r.DstPort) }}
	dimDst       = dim{Column{Name: "dstaddr"}, []string{"dstaddr", "pkt-dstaddr"}, func(r *row) string { return addrText(r.dst()) }}
	dimSrc       = dim{Column{Name: "srcaddr"}, []string{"srcaddr", "pkt-srcaddr"}, func(r *row) string { return addrText(r.src()) }}
	dimReason    = dim{Column{Name: "direct_to_address"}, []string{"x-direct-to-address"}, func(r *row) string { return r.DirectToAddress }}
	dimEvidence  = dim{Column{Name: "initiator_reason"}, []string{"x-initiator-reason"}, func(r *row) string { return r.InitiatorReason }}
	dimRole      = dim{Column{Name: "role"}, ends, func(r *row) string { return r.role().String() }}

	dimPort = dim{Column{Name: "port", Unit: Digits}, ends, func(r *row) string {
		_, port := r.server()
		return portText(port)
	}}
	dimServer = dim{Column{Name: "server"}, ends, func(r *row) string {
		a, _ := r.server()
		return addrText(a)
	}}
	dimClient = dim{Column{Name: "client"}, ends, func(r *row) string { return addrText(r.client()) }}
)

// dimOwner is whose the interface is, as well as it is known: the instance, or the interface, or its address.
var dimOwner = dim{Column{Name: "instance"}, append([]string{"instance-id", "interface-id"}, ends...), (*row).owner}

// dimDomain remembers the domains of names: the public suffix list takes longer than all else of a record.
func dimDomain() dim {
	domains := map[string]string{}
	return dim{Column{Name: "domain"}, []string{"x-name"}, func(r *row) string {
		d, ok := domains[r.Name]
		if !ok {
			if len(domains) >= maxInterned {
				clear(domains)
			}
			d = where.Domain(r.Name)
			domains[r.Name] = d
		}
		return d
	}}
}

// Dims are the names of what top can group by.
var Dims = []string{"name", "domain", "address", "port", "eni", "instance", "vpc", "app-proto"}

func dimOf(name string) (dim, bool) {
	switch name {
	case "name":
		return dimName, true
	case "domain":
		return dimDomain(), true
	case "address":
		return dimAddress, true
	case "port":
		return dimPort, true
	case "eni":
		return dimENI, true
	case "instance":
		return dimInstance, true
	case "vpc":
		return dimVPC, true
	case "app-proto":
		return dimAppProto, true
	default:
		return dim{}, false
	}
}

func portText(port uint16) string {
	if port == 0 {
		return ""
	}
	return strconv.Itoa(int(port))
}

// protocolNames are those of IP protocols that a reader looks for (IANA, Assigned Internet Protocol Numbers).
var protocolNames = map[uint8]string{1: "icmp", 6: "tcp", 17: "udp", 47: "gre", 50: "esp", 58: "icmpv6", 132: "sctp"}

func protocolName(p uint8) string {
	if name, ok := protocolNames[p]; ok {
		return name
	}
	return strconv.Itoa(int(p))
}
