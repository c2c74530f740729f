package export

import (
	"strconv"

	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/l7"
)

// EVE writes events as Suricata 8 does: one JSON object a line, with Suricata's names, types and nesting, so that its
// tooling reads them. What Suricata has no place for stands in two objects of our own: mirror says how the copies came to
// us, hint what a person would call the flow and on what evidence.
//
// One difference is of meaning: flow.bytes_toserver and flow.bytes_toclient count the inner IP packets as their headers
// say, since the copies may be cut. Suricata counts what it captured, Ethernet headers included.
//
// The zero value is ready for use, by several goroutines at once.
type EVE struct{}

// EVEKinds are the kinds of events that EVE has lines for.
var EVEKinds = event.KindsOf(event.AppLayer, event.Flow, event.Stats)

// Append appends the event's line, newline included, to dst. e is an event of b, of EVEKinds.
func (*EVE) Append(dst []byte, b *event.Batch, e *event.Event) []byte {
	l := line{b: append(dst, '{')}
	switch e.Kind {
	case event.AppLayer:
		l.appLayerEvent(b, e)
	case event.Flow:
		l.flowEvent(b, e)
	default:
		l.statsEvent(e)
	}
	l.end()
	l.b[len(l.b)-1] = '\n' // in place of the comma
	return l.b
}

func (l *line) appLayerEvent(b *event.Batch, e *event.Event) {
	l.header(e, e.Proto.Event())
	l.communityID(e)
	fields := b.Fields(e)
	extra := fields // those under hint
	if !l7.Table[e.Proto].Extra {
		l.object(e.Proto.Event())
		if !l.fields(b, fields) {
			extra = nil
		}
		l.end()
	}
	l.mirror(e)

	l.hint(b, e)
	if len(extra) > 0 {
		l.object(e.Proto.Event())
		l.extraFields(b, extra, l7.Table[e.Proto].Extra)
		l.end()
	}
	l.end()
}

// header writes what the events of a flow begin with.
func (l *line) header(e *event.Event, eventType string) {
	l.time("timestamp", e.Nanos)
	l.uint("flow_id", e.FlowID)
	l.word("event_type", eventType)
	if e.NumVLANs > 0 {
		l.array("vlan")
		for _, id := range e.VLANs[:e.NumVLANs] {
			l.uint("", uint64(id))
		}
		l.end()
	}
	ported := e.HasPorts() && !e.Flow.Fragments
	src, dst := e.Addrs()
	l.addr("src_ip", src)
	if ported {
		l.uint("src_port", uint64(e.SrcPort))
	}
	l.addr("dest_ip", dst)
	if ported {
		l.uint("dest_port", uint64(e.DstPort))
	}
	if src.Is4() {
		l.uint("ip_v", 4)
	} else {
		l.uint("ip_v", 6)
	}
	l.ipProto(e.IPProto)
	if e.IsICMP() && !e.Flow.Fragments {
		l.uint("icmp_type", uint64(e.ICMPType))
		l.uint("icmp_code", uint64(e.ICMPCode))
	}
}

func (l *line) communityID(e *event.Event) {
	l.b = append(e.AppendCommunityID(append(l.key("community_id"), '"')), '"', ',')
}

// mirror says how the copies came to us. Events of a plain capture whose packets are whole have none.
func (l *line) mirror(e *event.Event) {
	if !e.Mirrored && !e.Flow.Truncated {
		return
	}
	l.object("mirror")
	if e.Mirrored {
		l.uint("vni", uint64(e.VNI))
		if e.Outer.IsValid() {
			l.addr("source", e.Outer)
		}
		if e.Tag != 0 {
			l.uint("vlan", uint64(e.Tag))
		}
		l.owner(e.Owner)
		if e.Direction != event.NoDirection {
			l.word("direction", e.Direction.String())
		}
	}
	if e.Paired.Outer.IsValid() {
		l.object("paired_tap")
		l.uint("vni", uint64(e.Paired.VNI))
		l.addr("source", e.Paired.Outer)
		l.end()
	}
	if e.Flow.Unpaired > 0 {
		l.uint("unpaired_packets", uint64(e.Flow.Unpaired))
	}
	if e.Flow.Truncated {
		l.bool("truncated", true)
	}
	l.end()
}

// owner says whose the mirrored interface is, as far as the inventory knows.
func (l *line) owner(o *event.Owner) {
	if o == nil {
		return
	}
	l.known("eni", o.ENI)
	l.known("instance", o.Instance)
	l.known("vpc", o.VPC)
	l.known("subnet", o.Subnet)
	l.known("account", o.Account)
}

// known writes text of an inventory, unless it is empty.
func (l *line) known(k, text string) {
	if text != "" {
		l.text(k, []byte(text))
	}
}

// hint begins the object that says what a person would call the flow. Its caller ends it.
func (l *line) hint(b *event.Batch, e *event.Event) {
	l.object("hint")
	if e.Name.Len > 0 {
		l.text("name", b.Text(e.Name))
		l.word("name_source", e.NameSource.String())
		l.word("name_confidence", e.NameConfidence.String())
	}
	if e.Conflicts != 0 {
		l.array("conflicts")
		for i, name := range event.Conflicts {
			if e.Conflicts&(1<<i) != 0 {
				l.word("", name)
			}
		}
		l.end()
	}
	l.word("initiator", "src") // events are oriented from the client; readers of other records need it said
	l.word("initiator_reason", e.Initiator.String())
	l.word("initiator_confidence", e.Initiator.Confidence().String())
	if e.Direct != event.NotDirect {
		l.word("direct_to_address", e.Direct.String())
	}
	if e.ECH != event.ECHNone {
		l.word("ech", e.ECH.String())
	}
}

// fields writes a message's tokens but for the extra ones, of which it says whether there are any.
func (l *line) fields(b *event.Batch, fields []event.Field) (extra bool) {
	for i := 0; i < len(fields); i++ {
		if fields[i].Extra {
			extra = true
			i += extent(fields[i:]) - 1
			continue
		}
		l.field(b, &fields[i])
	}
	return extra
}

// extraFields writes the extra tokens, each within the same objects and arrays in which it stands among the others; all of
// them for a protocol of which Suricata's schema has nothing.
func (l *line) extraFields(b *event.Batch, fields []event.Field, all bool) {
	for len(fields) > 0 {
		n := extent(fields)
		switch {
		case all || fields[0].Extra:
			for i := range fields[:n] {
				l.field(b, &fields[i])
			}
		case hasExtra(fields[:n]):
			l.field(b, &fields[0])
			l.extraFields(b, fields[1:n-1], false)
			l.end()
		}
		fields = fields[n:]
	}
}

// extent returns how many tokens the first value of fields takes.
func extent(fields []event.Field) int {
	depth := 0
	for i := range fields {
		switch fields[i].Kind {
		case l7.Object, l7.Array:
			depth++
		case l7.End:
			depth--
		case l7.String, l7.Int, l7.Bool:
		}
		if depth <= 0 {
			return i + 1
		}
	}
	return len(fields)
}

func hasExtra(fields []event.Field) bool {
	for i := range fields {
		if fields[i].Extra {
			return true
		}
	}
	return false
}

func (l *line) field(b *event.Batch, f *event.Field) {
	dst := append(l.b, f.Key.Member()...)
	switch f.Kind {
	case l7.String:
		l.b = append(appendString(dst, b.Text(f.Text)), ',')
	case l7.Int:
		l.b = append(strconv.AppendInt(dst, f.Num(), 10), ',')
	case l7.Bool:
		l.b = append(strconv.AppendBool(dst, f.Num() != 0), ',')
	case l7.Object:
		l.b = dst
		l.object("")
	case l7.Array:
		l.b = dst
		l.array("")
	case l7.End:
		l.end()
	}
}
