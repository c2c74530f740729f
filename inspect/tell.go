package inspect

import (
	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/flow"
	"github.com/mirrorsink/mirrorsink/inspect/l7"
)

// maxPending is how many requests of a connection may wait for their responses. HTTP clients that pipeline send six to
// eight at a time.
const maxPending = 32

// message tells what a parser found. A request of a Paired protocol waits for its response. t is nil for datagrams.
func (w *Worker) message(r *flow.Record, t *talk, in said) {
	h := &w.hint
	switch h.Role {
	case l7.Request:
		w.openedBy(r, in.side, event.InitiatorOf(r.Proto, h.Role))
	case l7.Response:
		w.openedBy(r, 1-in.side, event.InitiatorOf(r.Proto, h.Role))
	case l7.Framing, l7.Interim:
	}
	if w.diary != nil {
		w.diary.hear(w, r, in.nanos)
	} else {
		w.hear(r, in.nanos)
	}
	if h.Role == l7.Framing || h.Role == l7.Interim {
		return
	}
	switch {
	case t == nil || !l7.Table[r.Proto].Transactional:
		w.tell(r, in.nanos, w.out.CopyFields(h.Fields))
	case h.Role == l7.Request:
		if len(t.pending) == maxPending {
			w.unanswered(r, t)
		}
		t.pending = append(t.pending, w.talks.keep(h, in))
	case len(t.pending) == 0:
		w.tell(r, in.nanos, w.out.CopyFields(h.Fields))
	default:
		q := t.pop()
		fields := w.out.Join(&q.said, q.fields)
		fields.Len += w.out.CopyFields(h.Fields).Len
		w.tell(r, in.nanos, fields)
		w.talks.release(q)
	}
}

// hear takes from the hint of a message what it says of names.
func (w *Worker) hear(r *flow.Record, nanos int64) {
	if w.hint.Role == l7.Response {
		w.learn(r, nanos)
	}
	w.baptize(r, nanos)
	w.fingerprint(r)
}

// openedBy takes a message as evidence for who opened the flow. If that turns the flow round, it goes to another address.
func (w *Worker) openedBy(r *flow.Record, s flow.Side, by event.Initiator) {
	if r.OpenedBy(s, by) {
		w.opened(r)
	}
}

// pop takes the oldest request out of those that wait.
func (t *talk) pop() *request {
	q := t.pending[0]
	t.pending = t.pending[:copy(t.pending, t.pending[1:])]
	return q
}

// unanswered tells of the oldest request without a response.
func (w *Worker) unanswered(r *flow.Record, t *talk) {
	q := t.pop()
	w.tell(r, q.nanos, w.out.Join(&q.said, q.fields))
	w.talks.release(q)
}

// call gives a flow a name, unless it has one from better evidence. Among equals the first one stays.
func (w *Worker) call(r *flow.Record, name []byte, source l7.NameSource) {
	if len(name) == 0 || source <= r.NameSource {
		return
	}
	if r.NameSource == l7.ByDNS {
		w.rememberDNS(r)
	}
	ref := w.names.Rename(r.Name, name)
	if ref == 0 {
		w.stats.NamesRefused++
		return
	}
	r.Name, r.NameSource = ref, source
}

// tell writes an event of a flow's application protocol.
func (w *Worker) tell(r *flow.Record, nanos int64, fields event.Span) {
	w.stats.Hints[r.Proto]++
	if r.Message++; r.Message == 0 {
		r.Message-- // it saturates
	}
	e := w.event(r, event.AppLayer, nanos)
	e.Fields = fields
	w.spill()
}

// event adds an event with what all events of a flow have in common, oriented from client to server. It is valid until
// the next one is added.
func (w *Worker) event(r *flow.Record, kind event.Kind, nanos int64) *event.Event {
	w.stats.Events[kind]++
	w.out.Events = append(w.out.Events, event.Event{Kind: kind, Proto: r.Proto, OrigProto: r.Original, Nanos: nanos, IPProto: r.Key.Proto})
	e := &w.out.Events[len(w.out.Events)-1]
	k := &r.Key
	e.IPVersion = k.Version &^ decap.InPieces
	e.Src, e.Dst, e.SrcPort, e.DstPort = k.Lo, k.Hi, k.LoPort, k.HiPort
	if r.Client() == 1 {
		e.Src, e.Dst, e.SrcPort, e.DstPort = k.Hi, k.Lo, k.HiPort, k.LoPort
	}
	if k.Proto == decap.ICMP || k.Proto == decap.ICMPv6 {
		e.ICMPType, e.ICMPCode = icmp(k, e.SrcPort, e.DstPort)
		e.SrcPort, e.DstPort = 0, 0
	}
	stack := &w.vlans.list[r.VLANs]
	e.VLANs, e.NumVLANs = stack.tags, stack.n
	if session := w.sessions.Session(k.Tap); k.Tap != 0 {
		e.Mirrored, e.Outer, e.VNI = true, session.Outer.Netip(), session.VNI
		e.Owner, e.Direction = w.sessions.Owner(k.Tap), r.Direction()
		e.Tag = w.forward.Tag(r)
	}
	e.FlowID, e.Initiator = flowID(k, w.sessions.Session(k.Tap), r.Start), r.Initiator
	if w.diary != nil {
		w.diary.event(w, r)
	} else {
		w.label(e, r)
	}
	return e
}

// label adds to an event what its flow is called, how sure that is, and at which session its packets were seen as well.
func (w *Worker) label(e *event.Event, r *flow.Record) {
	w.name = w.names.Append(w.name[:0], r.Name)
	e.Name, e.NameSource = w.out.CopyText(w.name), r.NameSource
	e.NameConfidence = confidence(r)
	e.Conflicts, e.ECH = r.Facts.Conflicts(), r.Facts.ECH()
	if !l7.Table[e.Proto].Lookup {
		e.Direct = r.Facts.Direct()
	}
	if r.Paired != 0 {
		other := w.sessions.Session(r.Paired)
		e.Paired, e.PairedOwner = event.MirrorSession{Outer: other.Outer.Netip(), VNI: other.VNI}, w.sessions.Owner(r.Paired)
	}
}

// ended tells of a flow's end; the flow table calls it.
func (w *Worker) ended(r *flow.Record, why event.EndReason, nanos int64) {
	if why == event.EndTimeout || w.flows.Stale(r) {
		w.interval(r) // what is found out only now is not of that window, whether it was told before or not
	}
	w.hangUp(r, r.End)
	w.forward.EndFlow(r)
	w.interval(r)
	w.stats.FlowsEnded[why]++
	e := w.event(r, event.Flow, nanos)
	e.Flow = w.flowRecord(r)
	e.Flow.Reason = why
	for _, missing := range r.Missing {
		if missing != 0 {
			w.stats.Gaps++
			w.stats.LostBytes += uint64(missing)
		}
	}
	w.names.Free(r.Name)
	w.spill()
}

// flowRecord is what was counted of a flow so far.
func (w *Worker) flowRecord(r *flow.Record) event.FlowRecord {
	c := r.Client()
	s := 1 - c
	return event.FlowRecord{
		Packets:   [2]uint64{uint64(r.Packets[c]), uint64(r.Packets[s])},
		Bytes:     [2]uint64{r.Bytes[c], r.Bytes[s]},
		Payload:   [2]uint64{r.Payload[c], r.Payload[s]},
		Lost:      [2]uint64{uint64(r.Missing[c]), uint64(r.Missing[s])},
		Start:     r.Start,
		End:       r.End,
		TCPFlags:  [2]uint8{r.Flags[c], r.Flags[s]},
		TCPState:  r.TCPState,
		State:     r.State(),
		Truncated: r.Truncated(),
		Fragments:    r.Key.Version&decap.InPieces != 0,
		Messages:  uint32(r.Message),
		Unpaired:  uint32(r.Unpaired),
	}
}

// icmp returns the type and code of a flow's first packet from what stands for ports in its key.
func icmp(k *decap.Key, src, dst uint16) (typ, code uint8) {
	p := decap.Packet{Proto: k.Proto, ICMPType: uint8(src)}
	if _, known := p.ICMPRequest(); known {
		return uint8(src), 0
	}
	return uint8(src), uint8(dst)
}
