package stream

import (
	"hash/maphash"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/flow"
	"github.com/mirrorsink/mirrorsink/inspect/l7"
)

// Table holds the parsing state of all connections of a worker. It is not safe for concurrent use.
type Table struct {
	flows   *flow.Table
	handler Handler

	conns []*conn  // conns[0] is never used: 0 means none
	free  []uint32 // numbers that are not in use: there are never more connections than fit in the bound
	lists [2]list  // by whether both directions of the flow were seen
	live  int
	pool  bufferPool
	pasts pastPool

	held  int // bytes of requests that wait for their responses, and of handshakes that span datagrams
	spare []*request
	bound int // bytes

	hint    l7.Hint
	message Message
	scratch l7.Conn // of the parser that is called
	last    decap.Packet
	state   *l7.State // for the next UDP flow whose first message spans datagrams

	seed maphash.Seed // of digests of connection IDs

	opened, evicted uint64
	refused         [event.NumRefusals]uint64
	believed        decap.Packet // of the segment whose bytes are read late
}

// Counts is what became of connections.
type Counts struct {
	Opened  uint64 // connections that got parsing state
	Evicted uint64 // connections that lost it because the memory was used up
	Live    int    // connections that have it
	Bytes   int    // the memory that it takes

	Refused [event.NumRefusals]uint64 // segments of which bytes were dropped
}

// New returns a table that takes at most a number of bytes, at least 256 KiB, for the flows of a flow table. It calls handler.
func New(bytes int, flows *flow.Table, handler Handler) *Table {
	return &Table{flows: flows, handler: handler, conns: make([]*conn, 1), bound: max(bytes, 256<<10), state: new(l7.State), seed: maphash.MakeSeed()}
}

// Counts returns the counts so far.
func (t *Table) Counts() Counts {
	return Counts{Opened: t.opened, Evicted: t.evicted, Live: t.live, Bytes: t.size(), Refused: t.refused}
}

// NextMessage returns a connection's protocol, and the sequence number at which its parser expects the next message of a side; ok is
// false if it expects none at a known place.
func (t *Table) NextMessage(r *flow.Record, s flow.Side) (proto l7.Proto, seq uint32, ok bool) {
	c := t.conns[r.Stream]
	if c == nil {
		return l7.None, 0, false
	}
	d := &c.direction[s]
	return c.proto, d.buf.Base(), d.mode == reading && d.buf.Opened()
}

// HasGap reports whether bytes of a side before a sequence number are waited for, since segments behind them came first.
func (t *Table) HasGap(r *flow.Record, s flow.Side, ack uint32) bool {
	c := t.conns[r.Stream]
	if c == nil {
		return false
	}
	d := &c.direction[s]
	return d.mode == reading && d.buf.Lacks(ack)
}

// Reads reports whether a segment of a flow is looked at.
func (t *Table) Reads(r *flow.Record, p *decap.Packet) bool {
	return r.Stream != 0 || r.Tries < maxTries || startsTLS(r, p.Payload)
}

// startsTLS reports whether a payload begins TLS in a flow whose protocol is not known. It may follow any number of lines.
func startsTLS(r *flow.Record, payload []byte) bool {
	return r.Tries != doneTries && len(payload) > 0 && payload[0] == tlsHandshake && l7.Table[l7.TLS].Begins(payload)
}

// size returns the memory that the connections take.
func (t *Table) size() int { return t.live*connSize + t.pool.Used() + t.held }

// full reports whether the connections take more memory than they may. One connection is always allowed.
func (t *Table) full() bool { return t.live > 1 && t.size() > t.bound }

// add gives a flow parsing state.
func (t *Table) add(r *flow.Record) *conn {
	var ref uint32
	if n := len(t.free); n > 0 {
		ref = t.free[n-1]
		t.free = t.free[:n-1]
	} else {
		ref = uint32(len(t.conns))
		t.conns = append(t.conns, new(conn))
	}
	c := t.conns[ref]
	c.flow, c.both = t.flows.Ref(r), r.BothSides()
	r.Stream = ref
	t.live++
	t.opened++
	t.append(ref)
	return c
}

// release ends a flow's parsing state. Requests that wait for their responses are emitted without.
func (t *Table) release(r *flow.Record, c *conn) {
	for len(c.pending) > 0 {
		t.emitUnanswered(r, c)
	}
	for s := range c.direction {
		c.direction[s].buf.Close(&t.pool)
		t.pasts.put(&c.direction[s])
	}
	t.held -= c.stateSize
	t.unlink(r.Stream)
	*c = conn{direction: [2]direction{{buf: c.direction[0].buf}, {buf: c.direction[1].buf}}, pending: c.pending} // keeps empty memory
	t.free = append(t.free, r.Stream)
	t.live--
	r.Stream = 0
}

// evict keeps the connections within their memory: the least recently active ones lose their parsing state.
func (t *Table) evict() {
	for t.full() {
		r := t.leastRecent()
		t.evicted++
		t.End(r, r.End)
		tried(r)
	}
}
