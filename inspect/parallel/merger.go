package parallel

import (
	"github.com/mirrorsink/mirrorsink/inspect"
	"github.com/mirrorsink/mirrorsink/inspect/dedup"
	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/flow"
	"github.com/mirrorsink/mirrorsink/inspect/l7"
	"github.com/mirrorsink/mirrorsink/inspect/mirror"
)

// merger replays the journals of the workers into an inspect.Direct, in the order of the packets. It belongs to one goroutine.
type merger struct {
	direct    *inspect.Direct
	sessions  *mirror.Table
	states    flowStates
	length    uint32 // of an aggregation window, in seconds; 0 without
	window    uint32 // the current one
	ending    bool   // the source has ended
	settle    *tick  // of the last batch, until all records of its end were replayed
	heads     []int  // by worker: the first record that was not replayed
	hint      l7.Hint
	stats     event.Counters
	published event.Published
}

// newMerger returns the merger of some workers.
func newMerger(cfg inspect.Config, workers []*worker, sink inspect.Sink) *merger {
	m := &merger{
		sessions: cfg.Shared.NewSessions(cfg.Owners), states: newFlowStates(workers), length: uint32(cfg.Interval.Seconds()),
		heads: make([]int, len(workers)),
	}
	m.direct = inspect.NewDirect(cfg, len(workers), sink, m.sessions, m.states, &m.stats)
	for _, w := range workers {
		w.journal.window = m.direct.Copies()
	}
	return m
}

// merge replays the journals of a chunk.
func (m *merger) merge(c *chunk) {
	m.sessions.Refresh()
	clear(m.heads)
	ticks := c.ticks
	for {
		at, worker := m.next(c)
		for ; len(ticks) > 0 && ticks[0].at <= at; ticks = ticks[1:] {
			m.settleBefore(ticks[0].at)
			m.tick(&ticks[0])
		}
		m.settleBefore(at)
		if worker < 0 {
			break
		}
		m.replay(&c.journals[worker], worker, at)
	}
	if c.ending && !m.ending { // the workers have taken what was waiting, and ended few flows
		m.ending = true
		m.direct.SettleAll()
	}
	switch {
	case c.last:
		m.direct.Close()
	case c.urgent:
		m.direct.Deliver()
	}
	m.direct.UpdateCounters()
	m.published.Set(&m.stats)
}

// settleBefore decides what DNS says about flows as of the end of the last batch, if all records of that were replayed: those that follow
// are at a later position.
func (m *merger) settleBefore(at position) {
	if m.settle != nil && m.settle.at < at {
		m.direct.Settle(m.settle.nanos)
		m.settle = nil
	}
}

// tick does what is due at a tick.
func (m *merger) tick(t *tick) {
	if t.at.phase() == afterBatch {
		m.direct.Expire(t.nanos)
		m.settle = t
	} else if m.length > 0 {
		m.window = uint32(t.nanos/1e9) / m.length * m.length
	}
}

// next returns the worker whose next record comes first, of equals the first worker; -1 if there are no more records.
func (m *merger) next(c *chunk) (at position, worker int) {
	at, worker = atEnd, -1
	for i, head := range m.heads {
		if records := c.journals[i].records; head < len(records) && (worker < 0 || records[head].at < at) {
			at, worker = records[head].at, i
		}
	}
	return at, worker
}

// replay replays what a worker recorded at a position.
func (m *merger) replay(d *journalData, worker int, at position) {
	i := m.heads[worker]
	for ; i < len(d.records) && d.records[i].at == at; i++ {
		m.replayRecord(d, worker, &d.records[i])
	}
	m.heads[worker] = i
}

// replayRecord replays one record.
func (m *merger) replayRecord(d *journalData, worker int, rec *record) {
	if rec.kind == windowDone {
		m.direct.WorkerWindowDone(worker, rec.index)
		return
	}
	number := m.states.number(worker, rec.flow)
	s := m.states.state(number)
	switch rec.kind {
	case flowStarted:
		m.start(s, &d.starts[rec.index])
	case flowOpened:
		s.OpenedBy(rec.client, event.ByFirstPacket)
		m.direct.FlowOpened(&s.Record, rec.outbound)
	case messageRead:
		s.OpenedBy(rec.client, event.ByFirstPacket)
		m.readMessage(&s.Record, d, rec)
	case emitted:
		m.emit(s, d, int(rec.index))
	case copySeen:
		m.findCopy(s, number, rec)
	case windowDone:
	}
}

// start sets the state of a new flow. It counts no packets, so that any later evidence of its client replaces the earlier.
func (m *merger) start(s *flowState, f *flowStart) {
	*s = flowState{Record: flow.Record{Key: f.key, Start: f.start}}
	if f.key.Session != 0 {
		s.Key.Session, _ = m.sessions.Number(f.session.Outer.Netip(), f.session.VNI)
	}
}

// readMessage takes the names from a message.
func (m *merger) readMessage(r *flow.Record, d *journalData, rec *record) {
	from := &d.messages[rec.index]
	r.Proto = from.proto
	h := &m.hint
	h.Reset()
	h.Role, h.Name, h.NameSource, h.ECH, h.JA4 = from.role, d.textOf(from.name), from.source, from.ech, d.textOf(from.ja4)
	for _, a := range d.answers[from.answers[0]:from.answers[1]] {
		h.Answers = append(h.Answers, l7.Answer{Name: d.textOf(a.name), Addr: a.addr, TTL: a.ttl, ECH: a.ech})
	}
	for _, a := range d.aliases[from.aliases[0]:from.aliases[1]] {
		h.Aliases = append(h.Aliases, l7.Alias{Name: d.textOf(a.name), Target: d.textOf(a.target), TTL: a.ttl})
	}
	m.direct.MessageRead(r, h, rec.nanos)
}

// emit emits an event, complete with what depends on other flows.
func (m *merger) emit(s *flowState, d *journalData, index int) {
	from, to := &d.batch.Events[index], m.direct.Batch()
	to.Events = append(to.Events, *from)
	e := &to.Events[len(to.Events)-1]
	e.Fields = to.Join(&d.batch, from.Fields)
	if e.Kind != event.Interval || s.pairedIn <= e.Window.From {
		m.direct.Emit(&s.Record)
		return
	}
	now := s.Paired
	s.Paired = s.pairedBefore // as when that window ended
	m.direct.Emit(&s.Record)
	s.Paired = now
}

// findCopy looks for the other copy of a packet.
func (m *merger) findCopy(s *flowState, number uint32, rec *record) {
	here, there := &s.Key.Lo, &s.Key.Hi
	if (rec.side == 1) != (rec.dir == event.Ingress) {
		here, there = there, here
	}
	partner, ok := m.direct.Copies().AddIdentity(rec.identity, here, there, dedup.Copy{
		Session: uint32(s.Key.Session), Flow: number, Direction: rec.dir, Nanos: rec.nanos,
	})
	if !ok {
		return
	}
	s.pair(uint16(partner.Session), m.window)
	if m.direct.FlowOf(partner) != nil {
		m.states.state(partner.Flow).pair(s.Key.Session, m.window)
	}
}
