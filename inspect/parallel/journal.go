package parallel

import (
	"net/netip"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect"
	"github.com/mirrorsink/mirrorsink/inspect/dedup"
	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/flow"
	"github.com/mirrorsink/mirrorsink/inspect/l7"
	"github.com/mirrorsink/mirrorsink/inspect/mirror"
)

// journal is an inspect.Ordered that records what it is given, with its position, for the merger.
type journal struct {
	data    *journalData // of the current chunk
	at      position     // of the packet that is accounted
	tracker *inspect.Tracker
	window  *dedup.Window // the merger's; only its identities are used here
}

var _ inspect.Ordered = (*journal)(nil)

// journalData is what a worker recorded of a chunk.
type journalData struct {
	records  []record
	starts   []flowStart
	messages []message
	answers  []answer
	aliases  []alias
	text     []byte      // of messages, answers and aliases
	batch    event.Batch // the events, without what depends on other flows
}

// record is one call of an Ordered.
type record struct {
	at       position
	nanos    int64
	identity uint64 // of a copy
	flow     uint32 // the worker's number of the flow
	index    uint32 // of the flowStart, message or event; of windowDone the next window
	kind     recordKind
	client   flow.Side
	outbound bool
	side     flow.Side // that sent a copy
	dir      event.Direction
}

type recordKind uint8

// Kinds of records, named for the methods of Ordered.
const (
	flowStarted recordKind = iota
	flowOpened
	messageRead
	emitted
	copySeen
	windowDone
)

// flowStart is what the merger needs of a new flow.
type flowStart struct {
	key     decap.Key // with the worker's own number of the session
	session mirror.Session
	start   int64
}

// message is what a hint has for names.
type message struct {
	role    l7.Role
	proto   l7.Proto
	source  l7.NameSource
	ech     l7.ECHClass
	name    event.Span // of the journal's text
	ja4     event.Span
	answers [2]int // from and to
	aliases [2]int
}

// answer is an l7.Answer whose name lies in the journal's text.
type answer struct {
	name event.Span
	addr netip.Addr
	ttl  uint32
	ech  bool
}

// alias is an l7.Alias whose names lie in the journal's text.
type alias struct {
	name, target event.Span
	ttl          uint32
}

// clear empties the journal and keeps its memory.
func (d *journalData) clear() {
	d.records, d.starts, d.messages = d.records[:0], d.starts[:0], d.messages[:0]
	d.answers, d.aliases, d.text = d.answers[:0], d.aliases[:0], d.text[:0]
	d.batch.Reset()
}

func (d *journalData) copy(text []byte) event.Span {
	s := event.Span{Off: uint32(len(d.text)), Len: uint32(len(text))}
	d.text = append(d.text, text...)
	return s
}

func (d *journalData) textOf(s event.Span) []byte { return d.text[s.Off : s.Off+s.Len : s.Off+s.Len] }

// add adds a record of a flow.
func (j *journal) add(r *flow.Record, kind recordKind) *record {
	d := j.data
	d.records = append(d.records, record{at: j.at, kind: kind, flow: j.tracker.Flows().Ref(r), client: r.Client()})
	return &d.records[len(d.records)-1]
}

// FlowStarted implements inspect.Ordered.
func (j *journal) FlowStarted(r *flow.Record) {
	j.add(r, flowStarted).index = uint32(len(j.data.starts))
	j.data.starts = append(j.data.starts, flowStart{r.Key, j.tracker.Sessions().Session(r.Key.Session), r.Start})
}

// FlowOpened implements inspect.Ordered.
func (j *journal) FlowOpened(r *flow.Record, outbound bool) { j.add(r, flowOpened).outbound = outbound }

// MessageRead implements inspect.Ordered. It records nothing of a message without names.
func (j *journal) MessageRead(r *flow.Record, h *l7.Hint, nanos int64) {
	answers, aliases := h.Answers, h.Aliases
	if h.Role != l7.Response {
		answers, aliases = nil, nil
	}
	if len(h.Name) == 0 && len(h.JA4) == 0 && len(answers) == 0 && len(aliases) == 0 && h.NameSource == l7.NoName {
		return
	}
	d := j.data
	m := message{role: h.Role, proto: r.Proto, source: h.NameSource, ech: h.ECH, name: d.copy(h.Name), ja4: d.copy(h.JA4)}
	m.answers[0], m.aliases[0] = len(d.answers), len(d.aliases)
	for i := range answers {
		a := &answers[i]
		d.answers = append(d.answers, answer{d.copy(a.Name), a.Addr, a.TTL, a.ECH})
	}
	for i := range aliases {
		a := &aliases[i]
		d.aliases = append(d.aliases, alias{d.copy(a.Name), d.copy(a.Target), a.TTL})
	}
	m.answers[1], m.aliases[1] = len(d.answers), len(d.aliases)
	added := j.add(r, messageRead)
	added.nanos, added.index = nanos, uint32(len(d.messages))
	d.messages = append(d.messages, m)
}

// CopySeen implements inspect.Ordered.
func (j *journal) CopySeen(r *flow.Record, s flow.Side, p *decap.Packet, c dedup.Copy) (partner *flow.Record, duplicate bool) {
	added := j.add(r, copySeen)
	added.identity, added.nanos, added.dir, added.side = j.window.Identity(p), c.Nanos, c.Direction, s
	return nil, false
}

// Batch implements inspect.Ordered.
func (j *journal) Batch() *event.Batch { return &j.data.batch }

// Emit implements inspect.Ordered.
func (j *journal) Emit(r *flow.Record) {
	j.add(r, emitted).index = uint32(len(j.data.batch.Events) - 1)
}

// WindowDone implements inspect.Ordered.
func (j *journal) WindowDone(next uint32) {
	j.data.records = append(j.data.records, record{at: j.at, kind: windowDone, index: next})
}
