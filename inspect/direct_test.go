package inspect

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/dedup"
	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/flow"
)

// records are Flows by number.
type records []flow.Record

func (r records) At(number uint32) *flow.Record { return &r[number] }

// newDirect returns a Direct for some workers and two flows, one at each of two mirror sessions.
func newDirect(t *testing.T, workers int) (*Direct, records, *collected) {
	shared, stats, out := NewShared(1<<20), new(event.Counters), new(collected)
	sessions, c := shared.NewSessions(nil), newConversation()
	flows := make(records, 2)
	for i, outer := range []host{c.client, c.server} {
		n, ok := sessions.Number(outer.addr, 7)
		require.True(t, ok)
		flows[i] = flow.Record{Key: decap.Key{Lo: addr(c.client), Hi: addr(c.server), Session: n, Proto: decap.UDP, Version: 4}, Start: 1}
	}
	cfg := Config{Memory: Share(1 << 20), Shared: shared, Interval: time.Minute}
	return NewDirect(cfg, workers, out, sessions, flows, stats), flows, out
}

// emit adds an event of a flow.
func emit(d *Direct, r *flow.Record, kind event.Kind) {
	b := d.Batch()
	b.Events = append(b.Events, event.Event{Kind: kind, Nanos: 5})
	d.Emit(r)
}

// TestCopiesJoinFlows: the second copy of a packet reports the flow of the first, and events have the other session.
func TestCopiesJoinFlows(t *testing.T) {
	d, flows, out := newDirect(t, 1)
	c := newConversation()
	sent := &decap.Packet{Proto: decap.UDP, Src: addr(c.client), Dst: addr(c.server), Payload: []byte("x"), PayloadLen: 1}
	d.CopySeen(&flows[1], 1, &decap.Packet{Proto: decap.UDP, Src: addr(c.server), Dst: addr(c.client)}, dedup.Copy{Session: 2, Flow: 1, Direction: event.Egress, Nanos: 2})
	partner, duplicate := d.CopySeen(&flows[0], 0, sent, dedup.Copy{Session: 1, Flow: 0, Direction: event.Egress, Nanos: 3})
	require.False(t, duplicate)
	require.Nil(t, partner)
	partner, duplicate = d.CopySeen(&flows[1], 0, sent, dedup.Copy{Session: 2, Flow: 1, Direction: event.Ingress, Nanos: 4})
	require.True(t, duplicate)
	require.Same(t, &flows[0], partner)
	require.EqualValues(t, 1, flows[1].Paired)
	emit(d, &flows[1], event.Flow)
	d.Deliver()
	require.Equal(t, event.MirrorSession{Outer: c.client.addr, VNI: 7}, out.batches[0].Events[0].Paired)
	d.UpdateCounters()
	require.EqualValues(t, 1, d.stats.Paired)
	require.EqualValues(t, 2, d.stats.Sessions)
}

// TestUnmatchedCopies: a packet that left one end and did not reach the other is counted on a paired flow.
func TestUnmatchedCopies(t *testing.T) {
	d, flows, _ := newDirect(t, 1)
	flows[0].Paired = 2
	c := newConversation()
	p := &decap.Packet{Proto: decap.UDP, Src: addr(c.client), Dst: addr(c.server)}
	d.CopySeen(&flows[0], 0, p, dedup.Copy{Session: 1, Direction: event.Egress, Provisional: true, Nanos: 2})
	d.CopySeen(&flows[1], 0, &decap.Packet{Proto: decap.UDP, Src: addr(c.server), Dst: addr(c.client)}, dedup.Copy{Session: 2, Flow: 1, Direction: event.Egress, Nanos: 2})
	p.SrcPort = 1
	d.CopySeen(&flows[0], 0, p, dedup.Copy{Session: 1, Direction: event.Egress, Nanos: 3})
	d.Expire(3 + int64(dedup.Span) + 1)
	require.EqualValues(t, 1, flows[0].Unpaired, "the first was provisional")
}

// TestWindowsCloseWhenAllWorkersAreDone: events before it, and once.
func TestWindowsCloseWhenAllWorkersAreDone(t *testing.T) {
	d, flows, out := newDirect(t, 2)
	d.WorkerWindowDone(0, 600)
	d.WorkerWindowDone(1, 600)
	emit(d, &flows[0], event.Interval)
	d.WorkerWindowDone(0, 660)
	require.Equal(t, [event.Kinds]uint64{event.Interval: 1}, out.kinds(), "the other worker may still count in it")
	d.WorkerWindowDone(1, 660)
	require.Equal(t, [event.Kinds]uint64{event.Interval: 1, event.Closed: 1}, out.kinds())
	d.WorkerWindowDone(1, 720)
	d.Close()
	require.Equal(t, [event.Kinds]uint64{event.Interval: 1, event.Closed: 2}, out.kinds(), "all are closed at the end")
}
