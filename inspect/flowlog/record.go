// Package flowlog defines the VPC Flow Log record and its text format: AWS's fields in AWS's order and types, then ours. It does not
// depend on files, packets or clocks.
//
// Names, types and meaning are those of AWS's "Flow log record fields" and of its Parquet files. The names of our own fields begin
// with x-.
package flowlog

import (
	"net/netip"
	"strconv"
)

// Record counts one direction of one flow at one network interface in one aggregation window. An unknown value is the zero value, and
// is printed as "-".
type Record struct {
	// Version 2.
	AccountID        string
	InterfaceID      string
	SrcAddr, DstAddr netip.Addr // on the interface's own side its primary private address
	SrcPort, DstPort uint16     // 0 for protocols without ports
	Protocol         uint8      // IP protocol number
	Packets, Bytes   uint64     // of the inner IP packets, as their headers give it
	Start, End       int64      // first and last packet in the window, Unix seconds; for NODATA and SKIPDATA the window
	Action           string     // ACCEPT; "" for an unanswered outbound attempt
	LogStatus        string     // OK, NODATA, SKIPDATA

	// Versions 3 to 5, and the fields of later versions that a mirror can know.
	VPCID, SubnetID, InstanceID        string
	TCPFlags                           uint8
	PktSrcAddr, PktDstAddr             netip.Addr // the packet's own
	Region, AZID                       string     // AZID as in euw1-az1
	PktSrcAWSService, PktDstAWSService string
	FlowDirection                      string // ingress, egress
	InterfaceType                      string

	// Ours.
	Name            string  // how a person would name the flow
	NameSource      string  // as hint.name_source: sni, dns, http_host, ...
	SNI, DNSName    string  // the name of that source
	AppProto        string  // as app_proto
	JA4             string  // of the client's TLS or QUIC hello
	Initiator       string  // the end of this record that opened the flow: src or dst
	InitiatorReason string  // as hint.initiator_reason
	Unanswered      bool    // packets of only one end were seen so far
	DirectToAddress string  // as hint.direct_to_address
	Completeness    float64 // share of the TCP bytes that were seen, 0 to 1; NaN if it is not known
	CommunityID     string
	VNI             uint32
	Mirrored        bool // VNI is valid
	Truncated       bool // copies were truncated
	// Paired is the interface at the other end, if the packets were seen there too: its ID, or its name by AppendUnnamed.
	Paired       string
	PayloadBytes uint64 // transport payload in the window, each byte once
	// What a policy says of the flow, if the sink had one.
	PolicyVerdict string // as hint.policy.verdict: allowed, not-allowed, exempt, inconclusive
	PolicyRule    string // that allowed the flow
	PolicyReason  string // why, unless a rule allowed it
	Workload      string // of the policy
	Conflicts     string // as hint.conflicts, with commas between
	ECH           string // as hint.ech
}

// Values of LogStatus and Action.
const (
	OK       = "OK"
	NoData   = "NODATA"   // no packets at the interface in the window
	SkipData = "SKIPDATA" // copies were lost in the window
	Accept   = "ACCEPT"
)

// AppendUnnamed appends the name of an interface whose ID is not known: the VNI of its mirror session and its primary address, such as
// 102/10.0.2.10.
func AppendUnnamed(dst []byte, vni uint32, primary netip.Addr) []byte {
	return primary.AppendTo(append(strconv.AppendUint(dst, uint64(vni), 10), '/'))
}

// HasData reports whether the record counts packets. It does not if the window had none or lost them.
func (r *Record) HasData() bool { return r.LogStatus != NoData && r.LogStatus != SkipData }
