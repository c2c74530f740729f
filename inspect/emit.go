package inspect

import (
	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/flow"
	"github.com/mirrorsink/mirrorsink/inspect/l7"
	"github.com/mirrorsink/mirrorsink/inspect/stream"
)

// MessageRead implements stream.Handler. A message is evidence for which side opened the flow. If it turns the flow round, the flow
// goes to another address.
func (t *Tracker) MessageRead(r *flow.Record, m *stream.Message) {
	t.forward.MessageRead(r, m)
	if role := m.Hint.Role; role == l7.Request || role == l7.Response {
		client := m.Side
		if role == l7.Response {
			client = 1 - m.Side
		}
		if r.OpenedBy(client, event.InitiatorOf(r.Proto, role)) {
			t.opened(r)
		}
	}
	if m.Hint.Credentials {
		t.activity.credentials(r)
	}
	if len(m.Hint.Name) > 0 {
		t.activity.named(r, m.Hint.NameSource)
	}
	t.ordered.MessageRead(r, m.Hint, m.Nanos)
}

// StreamSwitched implements stream.Handler.
func (t *Tracker) StreamSwitched(r *flow.Record) { t.forward.StreamSwitched(r) }

// StreamDone implements stream.Handler.
func (t *Tracker) StreamDone(r *flow.Record, proto l7.Proto) { t.forward.StreamDone(r, proto) }

// TransactionDone implements stream.Handler: it emits an event of the flow's application protocol.
func (t *Tracker) TransactionDone(r *flow.Record, nanos int64, fields stream.Fields) {
	t.stats.Hints[r.Proto]++
	if r.Message++; r.Message == 0 {
		r.Message-- // it saturates
	}
	copied := fields.CopyTo(t.ordered.Batch())
	t.event(r, event.AppLayer, nanos).Fields = copied
	t.ordered.Emit(r)
}

// ended emits the end of a flow; the flow table calls it.
func (t *Tracker) ended(r *flow.Record, why event.EndReason, nanos int64) {
	if why == event.EndTimeout {
		t.intervals.emit(r) // what is found only now is not of that window, whether it was emitted before or not
	} else {
		t.intervals.flushPrevious(r)
	}
	t.gate.End(r)
	t.streams.End(r, r.End)
	t.forward.EndFlow(r)
	t.intervals.emit(r)
	t.intervals.ended(r)
	t.activity.ended(r)
	t.stats.FlowsEnded[why]++
	e := t.event(r, event.Flow, nanos)
	e.Flow = flowRecord(r)
	e.Flow.Reason = why
	for _, missing := range r.Missing {
		t.stats.LostBytes += uint64(missing)
	}
	t.ordered.Emit(r)
}

// event adds an event with what all events of a flow have in common, oriented from client to server. It is valid until the next one is
// added. Its caller completes it and calls Emit.
func (t *Tracker) event(r *flow.Record, kind event.Kind, nanos int64) *event.Event {
	t.stats.Events[kind]++
	b := t.ordered.Batch()
	b.Events = append(b.Events, event.Event{Kind: kind, Proto: r.Proto, OrigProto: r.Original, Nanos: nanos, IPProto: r.Key.Proto})
	e := &b.Events[len(b.Events)-1]
	k := &r.Key
	e.IPVersion = k.Version &^ decap.FragmentKey
	client, server := r.Endpoints()
	e.Src, e.Dst, e.SrcPort, e.DstPort = client.Addr, server.Addr, client.Port, server.Port
	if k.Proto == decap.ICMP || k.Proto == decap.ICMPv6 {
		e.ICMPType, e.ICMPCode = icmp(k, e.SrcPort, e.DstPort)
		e.SrcPort, e.DstPort = 0, 0
	}
	e.VLANs, e.NumVLANs = t.vlans.tags(r.VLANs)
	session := t.sessions.Session(k.Session)
	if k.Session != 0 {
		e.Mirrored, e.Outer, e.VNI = true, session.Outer.Netip(), session.VNI
		e.Owner, e.Direction = t.sessions.Owner(k.Session), r.Direction()
		e.Tag = t.forward.Tag(r)
	}
	e.FlowID, e.Initiator, e.Conflicts = flowID(k, session, r.Start), r.Initiator, r.Overlap()
	return e
}

// icmp returns the type and code of a flow's first packet from what stands for ports in its key.
func icmp(k *decap.Key, src, dst uint16) (typ, code uint8) {
	p := decap.Packet{Proto: k.Proto, ICMPType: uint8(src)}
	if _, known := p.ICMPRequest(); known {
		return uint8(src), 0
	}
	return uint8(src), uint8(dst)
}

// flowRecord returns what was counted of a flow so far.
func flowRecord(r *flow.Record) event.FlowRecord {
	c := r.Client()
	s := 1 - c
	return event.FlowRecord{
		Packets:   [2]uint64{uint64(r.Packets[c]), uint64(r.Packets[s])},
		Bytes:     [2]uint64{r.Bytes(c), r.Bytes(s)},
		Payload:   [2]uint64{r.Payload(c), r.Payload(s)},
		Lost:      [2]uint64{uint64(r.Missing[c]), uint64(r.Missing[s])},
		Start:     r.Start,
		End:       r.End,
		TCPFlags:  [2]uint8{r.Flags[c], r.Flags[s]},
		TCPState:  r.TCPState,
		State:     r.State(),
		Truncated: r.Truncated(),
		Passes:    flow.Passes(r),
		Fragments: r.Key.Version&decap.FragmentKey != 0,
		Messages:  uint32(r.Message),
	}
}
