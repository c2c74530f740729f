package stream

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/flow"
	"github.com/mirrorsink/mirrorsink/inspect/l7"
)

// calls is a Handler that records what it is called with.
type calls struct {
	t     *testing.T
	log   []string
	batch event.Batch
}

func (c *calls) MessageRead(_ *flow.Record, m *Message) {
	c.log = append(c.log, fmt.Sprintf("message %s role=%d side=%d seq=%d partial=%t", m.Proto, m.Hint.Role, m.Side, m.Seq, m.Partial))
}

func (c *calls) TransactionDone(_ *flow.Record, nanos int64, fields Fields) {
	e := event.Event{Fields: fields.CopyTo(&c.batch)}
	var names []string
	for _, f := range c.batch.Fields(&e) {
		if name := f.Key.String(); name == "url" || name == "status" || name == "rrname" {
			names = append(names, name)
		}
	}
	c.log = append(c.log, fmt.Sprintf("transaction nanos=%d %s", nanos, strings.Join(names, " ")))
}

func (c *calls) StreamSwitched(*flow.Record) { c.log = append(c.log, "switched") }

func (c *calls) StreamDone(_ *flow.Record, proto l7.Proto) {
	c.log = append(c.log, "done "+proto.String())
}

// take returns what was recorded since the last call.
func (c *calls) take() []string {
	log := c.log
	c.log = nil
	return log
}

// connection is one flow of a test's table. Side 0 is the client.
type connection struct {
	table *Table
	calls *calls
	flows *flow.Table
	r     *flow.Record
	proto uint8
	nanos int64
	seq   [2]uint32
}

func newConnection(t *testing.T, bytes int, proto uint8) *connection {
	c := &connection{calls: &calls{t: t}, proto: proto, seq: [2]uint32{1000, 5000}}
	c.flows = flow.New(64<<10, func(r *flow.Record, _ event.EndReason, nanos int64) { c.table.End(r, nanos) })
	c.table = New(bytes, c.flows, c.calls)
	c.begin(1)
	return c
}

// begin continues with another flow.
func (c *connection) begin(n byte) {
	k := decap.Key{
		Lo: netip.AddrFrom4([4]byte{10, 0, 0, n}).As16(), Hi: netip.AddrFrom4([4]byte{192, 0, 2, 1}).As16(), LoPort: 40000, HiPort: 80,
		Proto: c.proto, Version: 4,
	}
	c.r, _ = c.flows.Get(&k, flow.Hash(&k), c.nanos)
}

// send gives the table a segment of a side, at a distance from its next sequence number.
func (c *connection) send(s flow.Side, distance int, payload string) {
	c.nanos++
	p := &decap.Packet{
		Proto: c.proto, HasTCP: c.proto == decap.TCP, Payload: []byte(payload), PayloadLen: len(payload),
		Seq: c.seq[s] + uint32(distance), Ack: c.seq[1-s], TCPFlags: decap.ACK,
	}
	next, known := c.r.Next(s)
	if !known {
		next = p.Seq
	}
	c.r.Count(s, p, 1, uint64(len(payload)), c.nanos)
	if c.proto == decap.UDP {
		c.table.Datagram(c.r, s, p.Payload, c.nanos)
		return
	}
	c.r.Segment(s, p, nil)
	c.table.Feed(c.r, Segment{Side: s, Nanos: c.nanos, Packet: p, Next: next})
	if distance == 0 {
		c.seq[s] += uint32(len(payload))
	}
}

const (
	get = "GET / HTTP/1.1\r\nHost: example.com\r\n\r\n"
	ok  = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
)

// TestRequestAndResponse: each message is reported, and a request with its response is one transaction, as of the response.
func TestRequestAndResponse(t *testing.T) {
	c := newConnection(t, 0, decap.TCP)
	c.send(0, 0, get[:10])
	require.Empty(t, c.calls.take(), "a message is read when it is complete")
	c.send(0, 0, get[10:])
	require.Equal(t, []string{"message http role=1 side=0 seq=1000 partial=false"}, c.calls.take())
	c.send(1, 0, ok)
	require.Equal(t, []string{"message http role=2 side=1 seq=5000 partial=false", "transaction nanos=3 url status"}, c.calls.take())
	proto, seq, known := c.table.NextMessage(c.r, 0)
	require.True(t, known)
	require.Equal(t, l7.HTTP, proto)
	require.Equal(t, c.seq[0], seq)
	c.send(0, 0, get)
	c.calls.take()
	require.Equal(t, 1, c.table.Counts().Live)
	c.table.End(c.r, c.nanos)
	require.Equal(t, []string{"transaction nanos=4 url"}, c.calls.take(), "without a response")
	require.Equal(t, Counts{Opened: 1}, c.table.Counts(), "all memory is given back")
	_, _, known = c.table.NextMessage(c.r, 0)
	require.False(t, known)
}

// TestOrder: segments wait for those before them, and duplicates change nothing.
func TestOrder(t *testing.T) {
	c := newConnection(t, 0, decap.TCP)
	c.send(0, 0, get[:10])
	c.send(0, 10, get[20:])
	c.send(0, -10, get[:10])
	require.Empty(t, c.calls.take())
	c.send(0, 0, get[10:20])
	require.Equal(t, []string{"message http role=1 side=0 seq=1000 partial=false"}, c.calls.take())
}

// TestGap: after a gap that is not filled reading continues where a segment begins like a message.
func TestGap(t *testing.T) {
	c := newConnection(t, 0, decap.TCP)
	c.send(0, 0, get)
	c.send(0, 100, "x: behind a gap")
	c.send(0, 200, get)
	c.calls.take()
	c.nanos += retransmitTimeout - 10
	c.send(0, 0, "")
	require.Empty(t, c.calls.take(), "a retransmission may still come")
	c.nanos += 20
	c.send(0, 0, "")
	require.Equal(t, []string{fmt.Sprintf("message http role=1 side=0 seq=%d partial=false", c.seq[0]+200)}, c.calls.take())
}

// TestByteByByte: a message that comes byte by byte is shown to the parsers often, but not so often that it costs the square of its length.
func TestByteByByte(t *testing.T) {
	c := newConnection(t, 0, decap.TCP)
	for _, b := range []byte(get) {
		c.send(0, 0, string(b))
	}
	require.Equal(t, []string{"message http role=1 side=0 seq=1000 partial=false"}, c.calls.take(), "with its last byte")
	c.send(0, 0, "GET / HTTP/1.1\r\nHost: ")
	shown := int32(0)
	for range maxBuffered - 100 {
		c.send(0, 0, "x")
		c.send(1, 0, "y")
		require.NotZero(t, c.r.Stream)
		shown = c.table.conns[c.r.Stream].direction[0].repeats.shown
	}
	require.Greater(t, shown, int32(forcedBytes))
	require.Less(t, shown, int32(3*forcedBytes))
}

// TestNotRecognized: a connection that no parser recognizes loses its state at once, and after some tries it is not looked at again.
func TestNotRecognized(t *testing.T) {
	c := newConnection(t, 0, decap.TCP)
	for range 2 * maxTries {
		c.send(0, 0, "\x00\x01\x02 not a protocol")
	}
	require.Empty(t, c.calls.take())
	require.Zero(t, c.table.Counts().Live)
	require.EqualValues(t, maxTries, c.r.Tries)
}

// TestDatagrams: a datagram is a message and an event by itself.
func TestDatagrams(t *testing.T) {
	c := newConnection(t, 0, decap.UDP)
	c.send(0, 0, "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x07example\x03com\x00\x00\x01\x00\x01")
	require.Equal(t, []string{"message dns role=1 side=0 seq=0 partial=false", "transaction nanos=1 rrname"}, c.calls.take())
	require.Zero(t, c.table.Counts().Live)
}

// TestEviction: the table keeps to its bound, and the least recently active connections lose their state first.
func TestEviction(t *testing.T) {
	c := newConnection(t, 0, decap.TCP)
	var records []*flow.Record
	for n := range byte(200) {
		c.begin(n)
		c.send(0, 0, get[:20])
		records = append(records, c.r)
	}
	n := c.table.Counts()
	require.LessOrEqual(t, n.Bytes, 256<<10)
	require.EqualValues(t, 200, n.Opened)
	require.EqualValues(t, 200, int(n.Evicted)+n.Live)
	for i, r := range records {
		require.Equal(t, i >= int(n.Evicted), r.Stream != 0, "connection %d", i)
	}
	for _, r := range records {
		c.table.End(r, c.nanos)
	}
	require.Zero(t, c.table.Counts().Bytes)
}

// TestAllocatesNothing: requests and responses in two segments each reuse the memory of earlier ones.
func TestAllocatesNothing(t *testing.T) {
	flows := flow.New(64<<10, func(*flow.Record, event.EndReason, int64) {})
	table := New(0, flows, nothing{})
	k := decap.Key{Proto: decap.TCP, Version: 4}
	r, _ := flows.Get(&k, flow.Hash(&k), 1)
	p := &decap.Packet{Proto: decap.TCP, HasTCP: true, TCPFlags: decap.ACK}
	seq := [2]uint32{}
	parts := [2][2][]byte{{[]byte(get[:10]), []byte(get[10:])}, {[]byte(ok[:10]), []byte(ok[10:])}}
	exchange := func() {
		for s := range parts {
			for _, part := range parts[s] {
				p.Seq, p.Ack, p.Payload, p.PayloadLen = seq[s], seq[1-s], part, len(part)
				table.Feed(r, Segment{Side: flow.Side(s), Nanos: 1, Packet: p, Next: seq[s]})
				seq[s] += uint32(len(part))
			}
		}
	}
	for range 10 {
		exchange()
	}
	require.Zero(t, testing.AllocsPerRun(100, exchange))
}

// nothing is a Handler that does nothing.
type nothing struct{}

func (nothing) MessageRead(*flow.Record, *Message)          {}
func (nothing) TransactionDone(*flow.Record, int64, Fields) {}
func (nothing) StreamSwitched(*flow.Record)                 {}
func (nothing) StreamDone(*flow.Record, l7.Proto)           {}
