package inspect

import (
	"github.com/mirrorsink/mirrorsink/inspect/dedup"
	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/flow"
	"github.com/mirrorsink/mirrorsink/inspect/l7"
)

// chronicle tells what a crew saw: it reads the diaries of its workers side by side, in the order of the packets, and does what
// a worker alone would have done at once. It is one goroutine's.
type chronicle struct {
	voice   *Worker // names flows, pairs copies and closes windows; it has no source, and no flows but stories
	stories stories
	members []uint32 // the workers, among those that close windows together
	heads   []int    // by worker: the first entry that was not read
}

// newChronicle makes the chronicle of some workers.
func newChronicle(cfg Config, workers []*Worker, sink Sink) *chronicle {
	memory := Memory{Names: cfg.Memory.Names, Pairs: cfg.Memory.Pairs}
	cfg.Memory = memory
	c := &chronicle{voice: newWorker(cfg, nil, sink), stories: newStories(workers), heads: make([]int, len(workers))}
	c.voice.stories = c.stories
	if cfg.Interval != 0 {
		for range workers {
			c.members = append(c.members, c.voice.known.gate.join())
		}
	}
	return c
}

// read tells an epoch.
func (c *chronicle) read(e *epoch) {
	c.voice.sessions.Refresh()
	clear(c.heads)
	marks := e.marks
	for {
		at, worker := c.next(e)
		for ; len(marks) > 0 && marks[0].at <= at; marks = marks[1:] {
			c.heed(&marks[0])
		}
		if worker < 0 {
			break
		}
		c.tell(&e.diaries[worker], worker, at)
	}
	if e.last {
		for _, member := range c.members {
			c.voice.announce(c.voice.known.gate.leave(member))
		}
	}
	if e.last || e.urgent {
		c.voice.deliver()
	}
	c.voice.publish()
}

// heed does what Worker.heed does of what is not the workers'.
func (c *chronicle) heed(m *mark) {
	if m.at.part() == afterBatch {
		c.voice.pairs.Expire(m.nanos)
	} else {
		c.voice.flows.Enter(m.nanos)
	}
}

// next returns the worker whose next entry comes first, of equals the first one; -1 if there is none any more.
func (c *chronicle) next(e *epoch) (at moment, worker int) {
	at, worker = atEnd, -1
	for i, head := range c.heads {
		if entries := e.diaries[i].entries; head < len(entries) && (worker < 0 || entries[head].at < at) {
			at, worker = entries[head].at, i
		}
	}
	return at, worker
}

// tell reads what a worker wrote at a time.
func (c *chronicle) tell(d *diary, worker int, at moment) {
	i := c.heads[worker]
	for ; i < len(d.entries) && d.entries[i].at == at; i++ {
		c.line(d, worker, &d.entries[i])
	}
	c.heads[worker] = i
}

// line reads one entry.
func (c *chronicle) line(d *diary, worker int, e *entry) {
	w := c.voice
	if e.kind == windowPast {
		w.deliver() // as in Worker.pass
		w.announce(w.known.gate.pass(c.members[worker], e.n))
		return
	}
	number := c.stories.number(worker, e.flow)
	s := c.stories.at(number)
	r := &s.Record
	switch e.kind {
	case flowBegun:
		c.begin(s, &d.begins[e.n])
	case flowOpened:
		r.OpenedBy(e.client, event.ByFirstPacket)
		w.explain(r, e.outbound)
	case wordHeard:
		r.OpenedBy(e.client, event.ByFirstPacket)
		c.hear(r, d, &d.words[e.n], e.nanos)
	case eventTold:
		c.event(s, d, int(e.n))
	case copySeen:
		c.pairUp(s, e, dedup.Copy{Session: uint32(r.Key.Tap), Flow: number, Direction: e.way, Nanos: e.nanos})
	case windowPast:
	}
}

// pairUp is Worker.pairUp for a packet that a worker saw.
func (c *chronicle) pairUp(s *story, e *entry, of dedup.Copy) {
	here, there := &s.Key.Lo, &s.Key.Hi
	if (e.copied == 1) != (e.way == event.Ingress) {
		here, there = there, here
	}
	other, ok := c.voice.pairs.AddIdentity(e.identity, here, there, of)
	if !ok {
		return
	}
	window, _ := c.voice.flows.Window()
	s.pair(uint16(other.Session), window)
	if c.voice.copied(other) != nil {
		c.stories.at(other.Flow).pair(s.Key.Tap, window)
	}
}

// begin makes the story of a new flow. Nothing is counted in it, so that whoever is said to have opened it did.
func (c *chronicle) begin(s *story, b *begin) {
	r := &s.Record
	*s = story{}
	*r = flow.Record{Key: b.key, Start: b.start}
	if b.key.Tap != 0 {
		r.Key.Tap, _ = c.voice.sessions.Number(b.session.Outer.Netip(), b.session.VNI)
	}
}

// hear takes from a word what it says of names.
func (c *chronicle) hear(r *flow.Record, d *diary, o *word, nanos int64) {
	w := c.voice
	r.Proto = o.proto
	w.hint.Reset()
	h := &w.hint
	h.Role, h.Name, h.NameSource, h.ECH = o.role, d.textOf(o.name), o.source, o.ech
	for i := range d.answers[o.from:o.to] {
		a := &d.answers[o.from+i]
		h.Answers = append(h.Answers, l7.Answer{Name: d.textOf(a.name), Addr: a.addr, TTL: a.ttl, ECH: a.ech})
	}
	h.JA4 = d.textOf(o.ja4)
	w.hear(r, nanos)
}

// event tells an event, complete with what its flow is called.
func (c *chronicle) event(s *story, d *diary, n int) {
	w, r := c.voice, &s.Record
	told := &d.batch.Events[n]
	w.out.Events = append(w.out.Events, *told)
	e := &w.out.Events[len(w.out.Events)-1]
	e.Fields = w.out.Join(&d.batch, told.Fields)
	if e.Kind == event.Interval && s.pairedIn > e.Window.From {
		now := r.Paired
		r.Paired = s.paired // as when that window ended
		w.label(e, r)
		r.Paired = now
	} else {
		w.label(e, r)
	}
	switch e.Kind {
	case event.Interval:
		w.annotate(e, r)
	case event.Flow:
		e.Flow.Unpaired = uint32(r.Unpaired)
		w.names.Free(r.Name)
		r.Name = 0
	case event.AppLayer, event.Stats, event.Closed, event.Kinds:
	}
	w.spill()
}

// story is what the chronicle knows of a flow: of the record the key, the start, who opened it, the name and the pair.
type story struct {
	flow.Record
	pairedIn uint32 // the window in which Paired changed last
	paired   uint16 // what it was before that window
}

// pair notes the session of a packet's other copy.
func (s *story) pair(tap uint16, window uint32) {
	if s.Paired != tap && s.pairedIn != window {
		s.paired, s.pairedIn = s.Paired, window
	}
	s.Paired = tap
}

// stories are those of the flows of all workers. Their numbers are those of the workers' records, woven together.
type stories [][]story // by worker and the record's number

// newStories makes room beside the workers' tables: as they do it takes memory only for what is used, outside the Go heap.
func newStories(workers []*Worker) stories {
	s := make(stories, len(workers))
	for i, w := range workers {
		s[i] = flow.Beside[story](w.flows)
	}
	return s
}

// number returns the number of a worker's record. Tables have less than 2^32 records in all.
func (s stories) number(worker int, ref uint32) uint32 { return ref*uint32(len(s)) + uint32(worker) }

// at returns the story of a number, an empty one if there was none. It stays where it is.
func (s stories) at(number uint32) *story {
	workers := uint32(len(s))
	return &s[number%workers][number/workers]
}
