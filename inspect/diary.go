package inspect

import (
	"math"
	"net/netip"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/dedup"
	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/flow"
	"github.com/mirrorsink/mirrorsink/inspect/l7"
	"github.com/mirrorsink/mirrorsink/inspect/mirror"
)

// diary is what a worker of a crew writes down of an epoch instead of telling it: its events, and all that bears on what flows are
// called, on which sessions see the same packets and on which windows are closed. These depend on the packets of other workers; so
// the chronicle reads the diaries of all of them side by side, in the order of the packets.
type diary struct {
	at      moment        // of what is accounted just now
	several bool          // there may be other copies of it: more than one session was seen
	pairs   *dedup.Window // the chronicle's, of which only the identities are asked

	entries []entry
	begins  []begin
	words   []word
	answers []answer
	text    []byte      // of words and answers
	batch   event.Batch // the events, without what their flows are called
}

// moment says when something happened: the number of the packet, and what came before and after it in two bits.
type moment uint64

const (
	beforePacket moment = iota // an aggregation window began
	withPacket
	giveUp // fragments are given up after the batch of the packet
	afterBatch

	atEnd moment = math.MaxUint64 // when all flows end
)

// when returns the moment of a packet's number.
func when(packet uint64, part moment) moment { return moment(packet)<<2 + part }

// part returns what of moment's parts it is.
func (m moment) part() moment { return m & 3 }

// entry is one line of a diary.
type entry struct {
	at       moment
	nanos    int64
	identity uint64 // of a copied packet
	flow     uint32 // the worker's number of the record
	n        uint32 // where more of it is: the begin, word or event; of a pass the next window
	kind     entryKind
	client   flow.Side
	outbound bool
	copied   flow.Side // who sent a copied packet
	way      event.Direction
}

type entryKind uint8

// Kinds of entry, and the method of Worker that does the same at once where there is no diary.
const (
	flowBegun  entryKind = iota
	flowOpened           // explain
	wordHeard            // hear
	eventTold            // label
	copySeen             // pairUp
	windowPast           // pass
)

// begin is what the chronicle has to know of a flow.
type begin struct {
	key     decap.Key // Tap is the worker's own number
	session mirror.Session
	start   int64
}

// word is what a hint says of names.
type word struct {
	role     l7.Role
	proto    l7.Proto
	source   l7.NameSource
	ech      l7.ECHClass
	name     event.Span // of the diary's text
	ja4      event.Span
	from, to int // of the answers
}

// answer is an l7.Answer whose name lies in the diary's text.
type answer struct {
	name event.Span
	addr netip.Addr
	ttl  uint32
	ech  bool
}

// clear makes the diary empty and keeps its memory.
func (d *diary) clear() {
	d.entries, d.begins, d.words, d.answers, d.text = d.entries[:0], d.begins[:0], d.words[:0], d.answers[:0], d.text[:0]
	d.batch.Reset()
}

// add writes a line on a flow.
func (d *diary) add(w *Worker, r *flow.Record, kind entryKind) *entry {
	d.entries = append(d.entries, entry{at: d.at, kind: kind, flow: w.flows.Ref(r), client: r.Client()})
	return &d.entries[len(d.entries)-1]
}

// begin notes a new flow.
func (d *diary) begin(w *Worker, r *flow.Record) {
	d.add(w, r, flowBegun).n = uint32(len(d.begins))
	d.begins = append(d.begins, begin{r.Key, w.sessions.Session(r.Key.Tap), r.Start})
}

// open notes who opened a flow.
func (d *diary) open(w *Worker, r *flow.Record, outbound bool) {
	d.add(w, r, flowOpened).outbound = outbound
}

// hear notes what the worker's hint says of names, if it does.
func (d *diary) hear(w *Worker, r *flow.Record, nanos int64) {
	h := &w.hint
	o := word{role: h.Role, proto: r.Proto, source: h.NameSource, ech: h.ECH, name: d.copy(h.Name), from: len(d.answers)}
	if h.Role == l7.Response {
		d.copyAnswers(h.Answers)
	}
	o.to = len(d.answers)
	if w.cfg.Interval != 0 {
		o.ja4 = d.copy(h.JA4)
	}
	if o.name.Len == 0 && o.ja4.Len == 0 && o.from == o.to && o.source == l7.NoName {
		return
	}
	e := d.add(w, r, wordHeard)
	e.nanos, e.n = nanos, uint32(len(d.words))
	d.words = append(d.words, o)
}

func (d *diary) copyAnswers(answers []l7.Answer) {
	for i := range answers {
		a := &answers[i]
		d.answers = append(d.answers, answer{d.copy(a.Name), a.Addr, a.TTL, a.ECH})
	}
}

func (d *diary) copy(text []byte) event.Span {
	s := event.Span{Off: uint32(len(d.text)), Len: uint32(len(text))}
	d.text = append(d.text, text...)
	return s
}

func (d *diary) textOf(s event.Span) []byte { return d.text[s.Off : s.Off+s.Len : s.Off+s.Len] }

// event notes that the last event of the batch is of a flow.
func (d *diary) event(w *Worker, r *flow.Record) {
	d.add(w, r, eventTold).n = uint32(len(d.batch.Events) - 1)
}

// copied notes a packet that may have another copy.
func (d *diary) copied(w *Worker, r *flow.Record, s flow.Side, p *decap.Packet, c dedup.Copy) {
	e := d.add(w, r, copySeen)
	e.identity, e.nanos, e.way, e.copied = d.pairs.Identity(p), c.Nanos, c.Direction, s
}

// pass notes that the worker has told everything of the windows before one.
func (d *diary) pass(next uint32) {
	d.entries = append(d.entries, entry{at: d.at, kind: windowPast, n: next})
}
