package input

import (
	"fmt"
	"math"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/mirrorsink/mirrorsink/inspect/flowlog"
)

// flowEvent is the part of an EVE flow event that is read.
type flowEvent struct {
	SrcIP     netip.Addr `json:"src_ip"`
	DestIP    netip.Addr `json:"dest_ip"`
	SrcPort   uint16     `json:"src_port"`
	DestPort  uint16     `json:"dest_port"`
	Proto     string     `json:"proto"`
	AppProto  string     `json:"app_proto"`
	Community string     `json:"community_id"`
	Flow      struct {
		PktsToServer  uint64 `json:"pkts_toserver"`
		PktsToClient  uint64 `json:"pkts_toclient"`
		BytesToServer uint64 `json:"bytes_toserver"`
		BytesToClient uint64 `json:"bytes_toclient"`
		Start         string `json:"start"`
		End           string `json:"end"`
	} `json:"flow"`
	TCP struct {
		ToServer string `json:"tcp_flags_ts"`
		ToClient string `json:"tcp_flags_tc"`
	} `json:"tcp"`
	Mirror struct {
		VNI       *uint32        `json:"vni"`
		ENI       string         `json:"eni"`
		Instance  string         `json:"instance"`
		VPC       string         `json:"vpc"`
		Subnet    string         `json:"subnet"`
		Account   string         `json:"account"`
		Direction string         `json:"direction"`
		Paired    *mirrorSession `json:"paired_session"`
		Truncated bool           `json:"truncated"`
	} `json:"mirror"`
	Hint struct {
		Name            string   `json:"name"`
		NameSource      string   `json:"name_source"`
		InitiatorReason string   `json:"initiator_reason"`
		Direct          string   `json:"direct_to_address"`
		Completeness    *float64 `json:"completeness"`
		ToServer        uint64   `json:"payload_toserver"`
		ToClient        uint64   `json:"payload_toclient"`
		Conflicts       []string `json:"conflicts"`
		ECH             string   `json:"ech"`
		Policy          struct {
			Verdict  string `json:"verdict"`
			Rule     string `json:"rule"`
			Reason   string `json:"reason"`
			Workload string `json:"workload"`
		} `json:"policy"`
	} `json:"hint"`
}

// mirrorSession identifies a mirror session by VNI and source.
type mirrorSession struct {
	VNI    uint32     `json:"vni"`
	Source netip.Addr `json:"source"`
}

// Values of the fields flow-direction and x-initiator.
const (
	ingress      = "ingress"
	egress       = "egress"
	initiatorSrc = "src"
	initiatorDst = "dst"
)

// eveTime is the time format of EVE.
const eveTime = "2006-01-02T15:04:05.999999-0700"

// records returns the records of both directions.
func (e *flowEvent) records() (request, reply flowlog.Record, err error) {
	start, err := time.Parse(eveTime, e.Flow.Start)
	if err != nil {
		return request, reply, fmt.Errorf("flow.start %.40q: want a time", e.Flow.Start)
	}
	end, err := time.Parse(eveTime, e.Flow.End)
	if err != nil {
		return request, reply, fmt.Errorf("flow.end %.40q: want a time", e.Flow.End)
	}
	request = e.request()
	request.Start, request.End = start.Unix(), end.Unix()
	return request, e.reply(request), nil
}

// request returns the record of the client's packets, without its times.
func (e *flowEvent) request() flowlog.Record {
	r := flowlog.Record{
		AccountID: e.Mirror.Account, InterfaceID: e.Mirror.ENI, VPCID: e.Mirror.VPC, SubnetID: e.Mirror.Subnet, InstanceID: e.Mirror.Instance,
		SrcAddr: e.SrcIP, DstAddr: e.DestIP, PktSrcAddr: e.SrcIP, PktDstAddr: e.DestIP, SrcPort: e.SrcPort, DstPort: e.DestPort,
		Protocol: protocolNumber(e.Proto), Packets: e.Flow.PktsToServer, Bytes: e.Flow.BytesToServer,
		Action: flowlog.Accept, LogStatus: flowlog.OK, TCPFlags: tcpFlags(e.TCP.ToServer),
		FlowDirection: e.Mirror.Direction, Name: e.Hint.Name, NameSource: e.Hint.NameSource, AppProto: e.AppProto,
		Initiator: initiatorSrc, InitiatorReason: e.Hint.InitiatorReason, Unanswered: e.Flow.PktsToClient == 0,
		DirectToAddress: e.Hint.Direct, Completeness: math.NaN(), CommunityID: e.Community, Truncated: e.Mirror.Truncated,
		PayloadBytes: e.Hint.ToServer, Conflicts: strings.Join(e.Hint.Conflicts, ","), ECH: e.Hint.ECH,
		PolicyVerdict: e.Hint.Policy.Verdict, PolicyRule: e.Hint.Policy.Rule, PolicyReason: e.Hint.Policy.Reason, Workload: e.Hint.Policy.Workload,
	}
	switch e.Hint.NameSource {
	case "sni":
		r.SNI = e.Hint.Name
	case "dns":
		r.DNSName = e.Hint.Name
	}
	if e.Mirror.VNI != nil {
		r.VNI, r.Mirrored = *e.Mirror.VNI, true
	}
	if e.Hint.Completeness != nil {
		r.Completeness = *e.Hint.Completeness
	}
	if r.Unanswered && r.FlowDirection == egress {
		r.Action = ""
	}
	if p := e.Mirror.Paired; p != nil {
		r.Paired = string(flowlog.AppendUnnamed(nil, p.VNI, p.Source))
	}
	return r
}

// reply returns the record of the server's packets, from that of the client's.
func (e *flowEvent) reply(request flowlog.Record) flowlog.Record {
	r := request
	r.SrcAddr, r.DstAddr = r.DstAddr, r.SrcAddr
	r.PktSrcAddr, r.PktDstAddr = r.PktDstAddr, r.PktSrcAddr
	r.SrcPort, r.DstPort = r.DstPort, r.SrcPort
	r.Packets, r.Bytes, r.TCPFlags = e.Flow.PktsToClient, e.Flow.BytesToClient, tcpFlags(e.TCP.ToClient)
	r.PayloadBytes = e.Hint.ToClient
	r.Initiator, r.Action = initiatorDst, flowlog.Accept
	switch r.FlowDirection {
	case egress:
		r.FlowDirection = ingress
	case ingress:
		r.FlowDirection = egress
	}
	return r
}

func tcpFlags(hex string) uint8 {
	n, _ := strconv.ParseUint(hex, 16, 8) // "" if the flow is not TCP
	return uint8(n)
}

// protocolNumbers are the IP protocols that EVE names, in lower case.
var protocolNumbers = map[string]uint8{
	"icmp": 1, "tcp": 6, "udp": 17, "gre": 47, "esp": 50, "ipv6-icmp": 58, "icmpv6": 58, "sctp": 132,
}

// protocolNumber returns the number of an EVE protocol, which is a name or a number; 0 if it is neither.
func protocolNumber(proto string) uint8 {
	if n, ok := protocolNumbers[strings.ToLower(proto)]; ok {
		return n
	}
	n, err := strconv.ParseUint(proto, 10, 8)
	if err != nil {
		return 0
	}
	return uint8(n)
}
