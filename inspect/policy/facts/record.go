// Package facts derives what a policy judges by from flow log records.
package facts

import (
	"cmp"
	"net/netip"

	"github.com/mirrorsink/mirrorsink/inspect/flowlog"
	"github.com/mirrorsink/mirrorsink/inspect/policy"
)

// Values of record fields.
const (
	egress  = "egress" // of flow-direction
	ingress = "ingress"
	src     = "src" // of x-initiator
	dst     = "dst"
)

// Fields are the names of the record fields that Of reads.
var Fields = []string{
	"account-id", "interface-id", "vpc-id", "subnet-id", "instance-id", "flow-direction", "srcaddr", "dstaddr", "pkt-srcaddr", "pkt-dstaddr",
	"srcport", "dstport", "protocol", "pkt-src-aws-service", "pkt-dst-aws-service", "x-name", "x-name-source", "x-sni", "x-dns-name",
	"x-app-proto", "x-initiator", "x-initiator-reason", "x-direct-to-address", "x-vni",
	"x-workload", "x-conflicts", "x-ech", "x-unanswered", "packets",
}

// Of fills f with the facts of a record. outbound reports whether the record's packets left the interface. The record of the other
// direction of a flow has the same facts, but for Single. f keeps its memory for the next record.
func Of(f *policy.Flow, r *flowlog.Record) (outbound bool) {
	lookups := f.Names.Lookups[:0]
	outbound = r.FlowDirection == egress || r.FlowDirection == "" && r.Initiator == src
	here, there := end{addr(r.PktSrcAddr, r.SrcAddr), r.SrcPort, r.PktSrcAWSService}, end{addr(r.PktDstAddr, r.DstAddr), r.DstPort, r.PktDstAWSService}
	opener := src
	if r.FlowDirection == ingress || r.FlowDirection == "" && r.Initiator == dst {
		here, there, opener = there, here, dst
	}
	*f = policy.Flow{
		Source: policy.Source{
			Interface: r.InterfaceID, Instance: r.InstanceID, Subnet: r.SubnetID, VPC: r.VPCID, Account: known(r.AccountID),
			Addr: here.addr, VNI: r.VNI, Mirrored: r.Mirrored, Workload: r.Workload,
		},
		Addr: there.addr, Port: there.port, Protocol: r.Protocol, Service: there.service, App: r.AppProto,
		Services: there.service != "",
		Opened:   opened(r, opener),
		Hidden:   r.ECH == "real" || r.ECH == "unknown", Disputed: r.Conflicts != "",
		Single: r.Unanswered || outbound && r.Packets == 1,
		NoDNS:  r.DirectToAddress == "no_dns_seen" || r.InitiatorReason == "", // AWS's own records have no names
	}
	f.Names = names(r, lookups)
	f.Late = isLate(r)
	return outbound
}

// names returns the names of a record. Without the fields for a server name and a lookup, the flow's name counts as what its source says.
func names(r *flowlog.Record, lookups []string) (n policy.Names) {
	n.SNI = r.SNI
	lookup := r.DNSName
	switch r.NameSource {
	case "http_host":
		n.Host = r.Name
	case "sni", "quic_sni":
		n.SNI = cmp.Or(n.SNI, r.Name)
	case "dns":
		lookup = cmp.Or(lookup, r.Name)
	}
	if lookup != "" {
		lookups = append(lookups, lookup)
	}
	n.Lookups = lookups
	return n
}

// end is one end of a flow.
type end struct {
	addr    netip.Addr
	port    uint16
	service string
}

func addr(packet, own netip.Addr) netip.Addr {
	if packet.IsValid() {
		return packet
	}
	return own
}

func known(account string) string {
	if account == "unknown" {
		return ""
	}
	return account
}

// isPlain reports whether a record is of a plain capture, which has no interface: every client in it is judged.
func isPlain(r *flowlog.Record) bool {
	return r.FlowDirection == "" && !r.Mirrored && r.InterfaceID == ""
}

// opened reports who opened the flow. Records of AWS have no initiator: the end with the higher port is taken for the client, as it is for
// nearly all services.
func opened(r *flowlog.Record, here string) policy.Opened {
	switch {
	case isPlain(r) && r.Initiator != "":
		return policy.OpenedHere
	case r.FlowDirection == "":
		return policy.OpenedUnknown
	case r.Initiator == here:
		return policy.OpenedHere
	case r.Initiator != "":
		return policy.OpenedThere
	case r.SrcPort == r.DstPort:
		return policy.OpenedUnknown
	case (r.SrcPort > r.DstPort) == (here == src):
		return policy.OpenedHere
	default:
		return policy.OpenedThere
	}
}

// isLate reports whether a TCP flow began before the first copy: nothing of its handshake was seen. AWS's own records do not say.
func isLate(r *flowlog.Record) bool {
	return r.Protocol == policy.TCP && r.InitiatorReason != "" && r.InitiatorReason != "syn" && r.InitiatorReason != "synack"
}
