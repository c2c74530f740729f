package export

import (
	"cmp"
	"math"
	"net/netip"
	"slices"

	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/flowlog"
	"github.com/mirrorsink/mirrorsink/inspect/l7"
)

// FlowLogKinds are the kinds of events that flow logs are made of.
var FlowLogKinds = event.KindsOf(event.Interval, event.Closed)

// RecorderConfig says what records say that events do not.
type RecorderConfig struct {
	FullFlags   bool              // all TCP flags, not only those that AWS records
	CommunityID bool              // costs a hash a flow and window
	Account     string            // of interfaces of which the inventory does not know it; AWS's "unknown" if empty
	Region      string            // likewise
	Services    *flowlog.Services // nil for none
	// Owners returns the interfaces of the inventory; nil for none. It is called when a window closes.
	Owners func() []*event.Owner
}

// A Recorder makes flow log records of events: of an Interval one for each direction that had packets, of a closed window
// those of interfaces that had none, or whose copies were lost. It remembers which interfaces had records, so it must see
// all events of FlowLogKinds in their order. It is not safe for concurrent use: each output has its own.
type Recorder struct {
	cfg     RecorderConfig
	records []flowlog.Record
	had     map[uint32]map[string]bool // by window: the interfaces that had records
	lost    uint64                     // events since the last window was closed
	texts   map[string]string
	scratch []byte
}

// NewRecorder makes a recorder.
func NewRecorder(cfg RecorderConfig) *Recorder {
	cfg.Account = cmp.Or(cfg.Account, "unknown")
	return &Recorder{cfg: cfg, had: map[uint32]map[string]bool{}, texts: map[string]string{}}
}

// Lost says that events of FlowLogKinds were lost before the next one.
func (rc *Recorder) Lost(n uint64) { rc.lost += n }

// Records returns the records that an event of b tells of. They are valid until the next call; their strings live on.
func (rc *Recorder) Records(b *event.Batch, e *event.Event) []flowlog.Record {
	rc.records = rc.records[:0]
	switch e.Kind {
	case event.Interval:
		rc.interval(b, e)
	case event.Closed:
		rc.closed(&e.Window)
	case event.AppLayer, event.Flow, event.Stats, event.Kinds:
	}
	return rc.records
}

// interval makes a record of each direction. Client and server change places in the second one.
func (rc *Recorder) interval(b *event.Batch, e *event.Event) {
	if e.Owner != nil {
		rc.noteOwner(e.Window.From, e.Owner.ENI)
	}
	r := rc.common(b, e)
	client, server := e.Addrs()
	for i, flags := range e.Flow.TCPFlags {
		if e.Flow.Packets[i] == 0 {
			continue
		}
		r.PktSrcAddr, r.PktDstAddr, r.SrcPort, r.DstPort, r.Initiator = client, server, e.SrcPort, e.DstPort, "src"
		way := e.Direction
		if i == 1 {
			r.PktSrcAddr, r.PktDstAddr, r.SrcPort, r.DstPort, r.Initiator = server, client, e.DstPort, e.SrcPort, "dst"
			way = way.Opposite()
		}
		r.SrcAddr, r.DstAddr, r.FlowDirection = r.PktSrcAddr, r.PktDstAddr, ""
		switch way {
		case event.Egress:
			r.SrcAddr, r.FlowDirection = primary(e, r.PktSrcAddr), way.String()
		case event.Ingress:
			r.DstAddr, r.FlowDirection = primary(e, r.PktDstAddr), way.String()
		case event.NoDirection:
		}
		r.PktSrcAWSService, r.PktDstAWSService = rc.cfg.Services.Of(r.PktSrcAddr), rc.cfg.Services.Of(r.PktDstAddr)
		r.Packets, r.Bytes = e.Flow.Packets[i], e.Flow.Bytes[i]
		r.Start, r.End = int64(e.Window.First[i]), int64(e.Window.Last[i])
		r.TCPFlags = rc.flags(flags)
		r.Action = action(e, i == 0, way)
		r.Completeness = completeness(e, i)
		rc.records = append(rc.records, r)
	}
}

// common is what the records of both directions have in common.
func (rc *Recorder) common(b *event.Batch, e *event.Event) flowlog.Record {
	r := rc.ofInterface(e.Owner)
	r.LogStatus, r.Protocol = flowlog.OK, e.IPProto
	r.Name, r.SNI, r.DNSName, r.JA4 = rc.text(b, e.Name), rc.text(b, e.Window.SNI), rc.text(b, e.Window.DNSName), rc.text(b, e.Window.JA4)
	if e.Name.Len > 0 {
		r.NameSource = e.NameSource.String()
	}
	r.AppProto, r.InitiatorReason, r.Unanswered = appProto(e), e.Initiator.String(), !e.Window.Answered
	if e.Direct != event.NotDirect {
		r.DirectToAddress = e.Direct.String()
	}
	if rc.cfg.CommunityID {
		rc.scratch = e.AppendCommunityID(rc.scratch[:0])
		r.CommunityID = string(rc.scratch)
	}
	r.VNI, r.Mirrored, r.Truncated, r.Paired = e.VNI, e.Mirrored, e.Flow.Truncated, rc.paired(e)
	return r
}

// paired is the interface at the other end, if the flow was seen there too.
func (rc *Recorder) paired(e *event.Event) string {
	switch {
	case !e.Paired.Outer.IsValid():
		return ""
	case e.PairedOwner != nil && e.PairedOwner.ENI != "":
		return e.PairedOwner.ENI
	default:
		rc.scratch = flowlog.AppendUnnamed(rc.scratch[:0], e.Paired.VNI, e.Paired.Outer)
		return rc.kept(rc.scratch)
	}
}

// ofInterface is what is known of an interface; nil is one that nobody knows.
func (rc *Recorder) ofInterface(o *event.Owner) flowlog.Record {
	if o == nil {
		return flowlog.Record{AccountID: rc.cfg.Account, Region: rc.cfg.Region}
	}
	return flowlog.Record{
		AccountID: cmp.Or(o.Account, rc.cfg.Account), InterfaceID: o.ENI, VPCID: o.VPC, SubnetID: o.Subnet, InstanceID: o.Instance,
		Region: cmp.Or(o.Region, rc.cfg.Region), AZID: o.ZoneID, InterfaceType: o.Type,
	}
}

// primary is the address that stands for the interface's own side: in IPv4 always its primary one, from which the copies
// come; in IPv6 the packet's if it is the interface's, else the interface's first.
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

func (rc *Recorder) flags(seen uint8) uint8 {
	switch {
	case rc.cfg.FullFlags:
		return seen & allFlags
	case seen&event.SynAck != 0:
		return seen&awsFlags | ack
	default:
		return seen & awsFlags
	}
}

// action says that packets were accepted, which a mirror knows of all that came in, since it gets no others, and of what a client
// sends out when somebody answers it. Where the interface is not known, neither is which of the two it is.
func action(e *event.Event, client bool, way event.Direction) string {
	if client && !e.Window.Answered && way != event.Ingress {
		return ""
	}
	return flowlog.Accept
}

// completeness is the share of a direction's TCP bytes that were seen so far, in thousandths rounded down.
func completeness(e *event.Event, direction int) float64 {
	seen, lost := e.Flow.Payload[direction], e.Flow.Lost[direction]
	if !e.IsTCP() || seen+lost == 0 {
		return math.NaN()
	}
	return fraction(seen, seen+lost)
}

// appProto is the application protocol: "failed" if bytes were seen and not recognised, and nothing without any.
func appProto(e *event.Event) string {
	if e.Proto != l7.None || e.HasPorts() && e.Flow.Payload != [2]uint64{} {
		return e.Proto.String()
	}
	return ""
}

// maxTexts bounds the copies of names. When there are more they are forgotten together; most come back at once.
const maxTexts = 1 << 14

// text returns a text of a batch as a string that outlives it. Names come again and again.
func (rc *Recorder) text(b *event.Batch, s event.Span) string {
	if s.Len == 0 {
		return ""
	}
	return rc.kept(b.Text(s))
}

// kept returns a text as a string, of which there is one copy.
func (rc *Recorder) kept(t []byte) string {
	if known, ok := rc.texts[string(t)]; ok {
		return known
	}
	if len(rc.texts) == maxTexts {
		clear(rc.texts)
	}
	text := string(t)
	rc.texts[text] = text
	return text
}
