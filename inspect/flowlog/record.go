// Package flowlog is the VPC Flow Log record: its fields by AWS's names, in AWS's order and types, with ours after them. It
// says what a record is and how it is written as text, and knows nothing of files, packets or clocks.
//
// Names, types and meaning are those of AWS's "Flow log record fields" and its Parquet files; fields of our own begin with x-.
package flowlog

import (
	"net/netip"
	"strconv"
)

// Record is one direction of one flow at one network interface in one aggregation window. What is not known is the zero value,
// which prints as -. Strings are not changed once they are in a record.
type Record struct {
	// Version 2.
	AccountID        string
	InterfaceID      string
	SrcAddr, DstAddr netip.Addr // of the interface's own side its primary private address
	SrcPort, DstPort uint16     // 0 for protocols without ports
	Protocol         uint8      // IP protocol number
	Packets, Bytes   uint64     // of the inner IP packets, as their headers say
	Start, End       int64      // first and last packet in the window, Unix seconds; of NODATA and SKIPDATA the window
	Action           string     // ACCEPT; "" for an outbound attempt that nobody answered
	LogStatus        string     // OK, NODATA, SKIPDATA

	// Versions 3 to 5, and of later ones what a mirror can know.
	VPCID, SubnetID, InstanceID        string
	TCPFlags                           uint8
	PktSrcAddr, PktDstAddr             netip.Addr // the packet's own
	Region, AZID                       string     // AZID as in euw1-az1
	PktSrcAWSService, PktDstAWSService string
	FlowDirection                      string // ingress, egress
	InterfaceType                      string

	// Ours.
	Name            string  // what a person would call the flow
	NameSource      string  // sni, dns, http_host, …: as hint.name_source
	SNI, DNSName    string  // the name of that source
	AppProto        string  // as app_proto
	JA4             string  // of the client's TLS or QUIC hello
	Initiator       string  // src or dst: which end of this record opened the flow
	InitiatorReason string  // as hint.initiator_reason
	Unanswered      bool    // so far only one end of the flow was heard
	DirectToAddress string  // as hint.direct_to_address
	Completeness    float64 // share of the TCP bytes that were seen, 0 to 1; NaN is not known
	CommunityID     string
	VNI             uint32
	Mirrored        bool // VNI means something
	Truncated       bool // copies were cut
	// Paired is the interface at the other end, if the packets were seen there too: its ID, or as AppendUnnamed has it.
	Paired string
}

// Values of LogStatus and Action.
const (
	OK       = "OK"
	NoData   = "NODATA"   // nothing at the interface in the window
	SkipData = "SKIPDATA" // copies were lost in the window
	Accept   = "ACCEPT"
)

// AppendUnnamed appends what stands in Paired for an interface whose ID is not known: the VNI of its mirror session and its primary
// address, as 102/10.0.2.10.
func AppendUnnamed(dst []byte, vni uint32, primary netip.Addr) []byte {
	return primary.AppendTo(append(strconv.AppendUint(dst, uint64(vni), 10), '/'))
}

// HasData says whether the record is of packets, rather than of a window that had none or lost them.
func (r *Record) HasData() bool { return r.LogStatus != NoData && r.LogStatus != SkipData }
