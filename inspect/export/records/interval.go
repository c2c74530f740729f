package records

import (
	"cmp"
	"math"
	"net/netip"
	"slices"

	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/flowlog"
)

// interval makes the records of both directions. In the second one client and server change places.
func (bd *Builder) interval(b *event.Batch, e *event.Event) {
	if e.Owner != nil {
		bd.noteOwner(e.Window.From, e.Owner.ENI)
	}
	r := bd.common(b, e)
	for i, flags := range e.Flow.TCPFlags {
		if e.Flow.Packets[i] == 0 {
			continue
		}
		bd.direct(&r, e, i)
		r.Start, r.End = int64(e.Window.First[i]), int64(e.Window.Last[i])
		r.TCPFlags = bd.flags(flags)
		bd.records = append(bd.records, r)
	}
}

// OfActivity returns the record of what a flow's client sent so far, from an Activity event. Its strings stay valid.
func (bd *Builder) OfActivity(b *event.Batch, e *event.Event) flowlog.Record {
	r := bd.common(b, e)
	bd.direct(&r, e, 0)
	r.Start, r.End = e.Flow.Start/1e9, e.Flow.End/1e9
	r.TCPFlags, r.PayloadBytes = bd.flags(e.Flow.TCPFlags[0]), e.Flow.Payload[0]
	return r
}

// direct sets the fields of one direction: 0 for the client's packets.
func (bd *Builder) direct(r *flowlog.Record, e *event.Event, i int) {
	client, server := e.Addrs()
	r.PktSrcAddr, r.PktDstAddr, r.SrcPort, r.DstPort, r.Initiator = client, server, e.SrcPort, e.DstPort, "src"
	direction := e.Direction
	if i == 1 {
		r.PktSrcAddr, r.PktDstAddr, r.SrcPort, r.DstPort, r.Initiator = server, client, e.DstPort, e.SrcPort, "dst"
		direction = direction.Opposite()
	}
	r.SrcAddr, r.DstAddr, r.FlowDirection = r.PktSrcAddr, r.PktDstAddr, ""
	switch direction {
	case event.Egress:
		r.SrcAddr, r.FlowDirection = primary(e, r.PktSrcAddr), direction.String()
	case event.Ingress:
		r.DstAddr, r.FlowDirection = primary(e, r.PktDstAddr), direction.String()
	case event.NoDirection:
	}
	r.PktSrcAWSService, r.PktDstAWSService = bd.cfg.Services.Of(r.PktSrcAddr), bd.cfg.Services.Of(r.PktDstAddr)
	r.Packets, r.Bytes, r.PayloadBytes = e.Flow.Packets[i], e.Flow.Bytes[i], e.Window.Payload[i]
	r.Action = action(e, i == 0, direction)
	r.Completeness = completeness(e, i)
}

// common returns a record with the fields that are the same for both directions.
func (bd *Builder) common(b *event.Batch, e *event.Event) flowlog.Record {
	text := func(s event.Span) string { return bd.texts.get(b.Text(s)) }
	r := bd.ofInterface(e.Owner)
	r.LogStatus, r.Protocol = flowlog.OK, e.IPProto
	r.Name, r.SNI, r.DNSName, r.JA4 = text(e.Name), text(e.Window.SNI), text(e.Window.DNSName), text(e.Window.JA4)
	if e.Name.Len > 0 {
		r.NameSource = e.NameSource.String()
	}
	r.AppProto, r.InitiatorReason, r.Unanswered = e.AppProto(), e.Initiator.String(), !e.Window.Answered
	if e.Direct != event.NotDirect {
		r.DirectToAddress = e.Direct.String()
	}
	if e.Conflicts != 0 {
		r.Conflicts = e.Conflicts.String()
	}
	if e.ECH != event.ECHNone {
		r.ECH = e.ECH.String()
	}
	if v := e.Policy; v != nil {
		r.PolicyVerdict, r.PolicyRule, r.PolicyReason, r.Workload = v.Kind, v.Rule, v.Reason, v.Workload
	}
	if bd.cfg.CommunityID {
		bd.scratch = e.AppendCommunityID(bd.scratch[:0])
		r.CommunityID = string(bd.scratch)
	}
	r.VNI, r.Mirrored, r.Truncated, r.Paired = e.VNI, e.Mirrored, e.Flow.Truncated, bd.paired(e)
	return r
}

// paired returns the interface at the other end, if the flow was seen there too.
func (bd *Builder) paired(e *event.Event) string {
	switch {
	case !e.Paired.Outer.IsValid():
		return ""
	case e.PairedOwner != nil && e.PairedOwner.ENI != "":
		return e.PairedOwner.ENI
	default:
		bd.scratch = flowlog.AppendUnnamed(bd.scratch[:0], e.Paired.VNI, e.Paired.Outer)
		return bd.texts.get(bd.scratch)
	}
}

// ofInterface returns a record with what is known of an interface; nil is an unknown one.
func (bd *Builder) ofInterface(o *event.Owner) flowlog.Record {
	if o == nil {
		return flowlog.Record{AccountID: bd.cfg.Account, Region: bd.cfg.Region}
	}
	return flowlog.Record{
		AccountID: cmp.Or(o.Account, bd.cfg.Account), InterfaceID: o.ENI, VPCID: o.VPC, SubnetID: o.Subnet, InstanceID: o.Instance,
		Region: cmp.Or(o.Region, bd.cfg.Region), AZID: o.ZoneID, InterfaceType: o.Type,
	}
}

// primary returns the address that stands for the interface's own side. In IPv4 it is the primary address, from which the copies
// are sent. In IPv6 it is the packet's address if that is the interface's, else the interface's first.
func primary(e *event.Event, own netip.Addr) netip.Addr {
	var known []netip.Addr
	if e.Owner != nil {
		known = e.Owner.Addrs
	}
	if own.Is6() && slices.Contains(known, own) {
		return own
	}
	for _, a := range known {
		if a.Is4() == own.Is4() {
			return a
		}
	}
	if own.Is4() && e.Outer.Is4() {
		return e.Outer
	}
	return own
}

// awsFlags are the TCP flags that flow logs record on their own. ACK is recorded with SYN only; see
// https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-records-examples.html#flow-log-example-tcp-flag
const (
	fin, syn, rst, ack = 0x01, 0x02, 0x04, 0x10
	awsFlags           = fin | syn | rst
	allFlags           = 0x3f
)

func (bd *Builder) flags(seen uint8) uint8 {
	switch {
	case bd.cfg.FullFlags:
		return seen & allFlags
	case seen&event.SynAck != 0:
		return seen&awsFlags | ack
	default:
		return seen & awsFlags
	}
}

// action returns ACCEPT for incoming packets, since only accepted ones are mirrored, and for what a client sends out once it is
// answered. It returns "" for unanswered packets that were sent out, or whose direction is not known.
func action(e *event.Event, client bool, direction event.Direction) string {
	if client && !e.Window.Answered && direction != event.Ingress {
		return ""
	}
	return flowlog.Accept
}

// completeness returns the share of a direction's TCP bytes that were seen so far, or NaN.
func completeness(e *event.Event, direction int) float64 {
	share, known := event.Completeness(e.Flow.Payload[direction], e.Flow.Lost[direction])
	if !e.IsTCP() || !known {
		return math.NaN()
	}
	return share
}
