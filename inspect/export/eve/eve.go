// Package eve encodes events as Suricata 8 does: one JSON object a line, with Suricata's names, types and nesting, so that tools
// for Suricata read them. What Suricata's schema has no place for is in two objects of our own: mirror describes how the copies
// were received, and hint how a person would name the flow and on what evidence.
//
// One difference is of meaning: flow.bytes_toserver and flow.bytes_toclient count the inner IP packets as their headers give
// their length, since copies may be truncated. Suricata counts captured bytes, Ethernet headers included.
package eve

import (
	"strconv"

	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/export/ipproto"
	"github.com/mirrorsink/mirrorsink/inspect/l7"
)

// Writer encodes events. The zero value is ready for use, by one goroutine at a time.
type Writer struct{ kept *kept } // made for the first event

// Kinds are the kinds of events that a Writer encodes.
var Kinds = event.KindsOf(event.AppLayer, event.Flow, event.Stats, event.Alert)

// Append appends the event's line, newline included, to dst. e is an event of b, of one of Kinds.
func (w *Writer) Append(dst []byte, b *event.Batch, e *event.Event) []byte {
	if w.kept == nil {
		w.kept = newKept()
	}
	l := line{b: append(dst, '{'), kept: w.kept}
	switch e.Kind {
	case event.AppLayer:
		l.appLayerEvent(b, e)
	case event.Flow:
		l.flowEvent(b, e)
	case event.Alert:
		l.alertEvent(e)
	default:
		l.statsEvent(e)
	}
	l.end()
	l.b[len(l.b)-1] = '\n' // in place of the comma
	return l.b
}

func (l *line) appLayerEvent(b *event.Batch, e *event.Event) {
	head := l.kept.head(e)
	l.time("timestamp", e.Nanos)
	l.b = append(l.b, head.flowID()...)
	l.word("event_type", e.Proto.Event())
	l.b = append(append(l.b, head.endpoints()...), head.communityID()...)
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

// endpoints writes the members that say between whom the flow is.
func (l *line) endpoints(e *event.Event) {
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

// ipProto writes an IP protocol by its name, or else its number as text.
func (l *line) ipProto(proto uint8) {
	if name := ipproto.Name(proto); name != "" {
		l.word("proto", name)
		return
	}
	l.b = append(strconv.AppendUint(append(l.key("proto"), '"'), uint64(proto), 10), '"', ',')
}

func (l *line) communityID(e *event.Event) {
	l.b = append(e.AppendCommunityID(append(l.key("community_id"), '"')), '"', ',')
}
