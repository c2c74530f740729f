package causal

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/flow"
)

// fixture is a gate with one flow. It delivers into got.
type fixture struct {
	gate  *Gate
	flows *flow.Table
	r     *flow.Record
	got   []delivery
}

// delivery is a segment that was delivered.
type delivery struct {
	s        flow.Side
	flags    uint8
	seq, ack uint32
	payload  string
	length   int
}

func (f *fixture) Deliver(r *flow.Record, s flow.Side, p *decap.Packet, _ int64) {
	r.Segment(s, p, nil)
	f.got = append(f.got, delivery{s, p.TCPFlags, p.Seq, p.Ack, string(p.Payload), p.PayloadLen})
}

func (f *fixture) HasGap(*flow.Record, flow.Side, uint32) bool { return false }

func (f *fixture) Reads(*flow.Record, *decap.Packet) bool { return true }

func newFixture(bytes int) *fixture {
	f := new(fixture)
	f.flows = flow.New(64<<10, func(r *flow.Record, _ event.EndReason, _ int64) { f.gate.End(r) })
	f.gate = New(bytes, f.flows, f)
	f.flows.OnWaiting(func(r *flow.Record) { f.gate.Before(r, 1<<62) })
	f.begin(1)
	return f
}

// begin continues with another flow.
func (f *fixture) begin(n byte) {
	k := decap.Key{Proto: decap.TCP, Version: 4, Lo: decap.Addr{n}, HiPort: 443}
	f.r, _ = f.flows.Get(&k, flow.Hash(&k), 0)
}

func (f *fixture) send(d delivery, nanos int64) {
	p := &decap.Packet{
		Proto: decap.TCP, HasTCP: true, TCPFlags: d.flags, Seq: d.seq, Ack: d.ack, Payload: []byte(d.payload), PayloadLen: len(d.payload),
	}
	f.r.Count(d.s, p, 1, 40, nanos)
	f.gate.Segment(f.r, d.s, p, nanos, nanos)
	copy(p.Payload, "overwritten, as the memory of a batch is")
}

const (
	syn    = decap.SYN
	synack = decap.SYN | decap.ACK
	ack    = decap.ACK
	fin    = decap.FIN | decap.ACK
)

// dialogue is a connection in the order of its hosts.
var dialogue = []delivery{
	{0, syn, 99, 0, "", 0}, {1, synack, 499, 100, "", 0}, {0, ack, 100, 500, "", 0}, {0, ack, 100, 500, "question", 8}, {1, ack, 500, 108, "", 0},
	{1, ack, 500, 108, "answer", 6}, {0, ack, 108, 506, "", 0}, {0, ack, 108, 506, "another", 7}, {1, ack, 506, 115, "answer", 6},
	{1, fin, 512, 115, "", 0}, {0, ack, 115, 513, "", 0}, {0, fin, 115, 513, "", 0}, {1, ack, 513, 116, "", 0},
}

// TestAnyInterleaving: whatever the order of the two directions, as long as each keeps its own, the segments are delivered so that each comes
// after what its sender had received, and nothing is missing.
func TestAnyInterleaving(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := newFixture(0)
		var sides [2][]delivery
		from := rapid.IntRange(0, len(dialogue)-2).Draw(t, "first segment")
		for _, d := range dialogue[from:] {
			sides[d.s] = append(sides[d.s], d)
		}
		want := sides
		for n := 0; len(sides[0])+len(sides[1]) > 0; n++ {
			s := rapid.IntRange(0, 1).Draw(t, "side")
			if len(sides[s]) == 0 {
				s = 1 - s
			}
			f.send(sides[s][0], int64(n))
			sides[s] = sides[s][1:]
		}
		f.flows.Flush(event.EndShutdown)
		var got [2][]delivery
		var reached [2]uint32
		for _, d := range f.got {
			got[d.s] = append(got[d.s], d)
			if o := reached[1-d.s]; d.flags&ack != 0 && o != 0 && int32(d.ack-o) > 0 {
				t.Fatalf("%+v was delivered before what it acknowledges, of %+v", d, f.got)
			}
			reached[d.s] = d.seq + uint32(d.length) + uint32(d.flags&syn)/syn + uint32(d.flags&decap.FIN)
		}
		require.Equal(t, want, got)
		require.Equal(t, [2]uint32{}, f.r.Missing)
		require.Zero(t, f.gate.used)
	})
}

// TestAnyOrder: whatever the order in which the segments come behind a SYN within the time that they wait, they are delivered in the order of
// their hosts, and nothing is missing.
func TestAnyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := newFixture(0)
		f.send(dialogue[0], 0)
		for n, i := range rapid.Permutation([]int{1, 3, 5, 7, 8, 9, 11, 12}).Draw(t, "order") {
			f.send(dialogue[i], int64(n))
		}
		f.gate.Expire(Timeout + 20)
		f.flows.Flush(event.EndShutdown)
		var seen [2]string
		for _, d := range f.got {
			if d.payload == "answer" && seen[0] == "" {
				t.Fatalf("an answer before its question: %+v", f.got)
			}
			seen[d.s] += d.payload
		}
		require.Equal(t, event.TCPClosed, f.r.TCPState)
		require.Equal(t, [2]uint32{}, f.r.Missing)
		require.Zero(t, f.gate.used)
	})
}

// TestWaitEnds: what does not come is not waited for any longer, with the next packet of the flow, without one, or when the flow ends.
func TestWaitEnds(t *testing.T) {
	early := delivery{1, ack, 500, 120, "answer", 6}
	start := func() *fixture {
		f := newFixture(0)
		for i, d := range dialogue[:3] {
			f.send(d, int64(i))
		}
		f.send(early, 3)
		require.Len(t, f.got, 3)
		return f
	}
	for name, end := range map[string]func(f *fixture){
		"a packet":     func(f *fixture) { f.send(delivery{1, ack, 506, 120, "", 0}, Timeout+4) },
		"a lookup":     func(f *fixture) { f.gate.Before(f.r, Timeout+4) },
		"time":         func(f *fixture) { f.gate.Expire(Timeout + 4) },
		"the end":      func(f *fixture) { f.gate.Flush() },
		"an end":       func(f *fixture) { f.flows.Flush(event.EndShutdown) },
		"a later part": func(f *fixture) { f.send(delivery{0, ack, 120, 500, "later", 5}, 4) },
	} {
		t.Run(name, func(t *testing.T) {
			f := start()
			if name != "a later part" {
				f.gate.Before(f.r, Timeout+3)
				f.gate.Expire(Timeout + 3)
				require.Len(t, f.got, 3, "not before its time")
			}
			end(f)
			require.Greater(t, len(f.got), 3)
			require.EqualValues(t, 20, f.r.Missing[0])
			require.False(t, f.r.Waiting())
			require.Zero(t, f.gate.used)
		})
	}
}

// TestOneDirection: where one direction is not mirrored only the first segments wait, those that came before the first one's time ended.
func TestOneDirection(t *testing.T) {
	f := newFixture(0)
	f.send(dialogue[0], 0)
	f.send(dialogue[2], 1)
	f.send(dialogue[3], 2)
	require.Len(t, f.got, 1)
	f.gate.Expire(Timeout + 2)
	require.Len(t, f.got, 2)
	f.send(dialogue[6], Timeout+2)
	f.send(dialogue[7], Timeout+2)
	require.Len(t, f.got, 2)
	f.gate.Expire(Timeout + 3)
	require.Len(t, f.got, 5)
	require.Equal(t, dialogue[7], f.got[4])
	f.send(dialogue[10], Timeout+4)
	require.Len(t, f.got, 6)
}

// TestLateBeginning: the other side begins with bytes that a segment acknowledges which has not waited for too long, though one before it has.
func TestLateBeginning(t *testing.T) {
	f := newFixture(0)
	f.send(delivery{1, ack, 500, 100, "offer", 5}, 0)
	f.send(delivery{1, ack, 505, 108, "answer", 6}, 20)
	f.gate.Expire(Timeout + 1)
	f.send(delivery{0, ack, 100, 505, "question", 8}, Timeout+2)
	f.send(delivery{0, ack, 108, 511, "", 0}, Timeout+3)
	require.Equal(t, []delivery{
		{1, ack, 500, 100, "offer", 5}, {0, ack, 100, 505, "question", 8}, {1, ack, 505, 108, "answer", 6}, {0, ack, 108, 511, "", 0},
	}, f.got)
}

// TestFINBeforeData: a FIN waits for the data of its side. Without them it shows no loss: the peer acknowledges what there was.
func TestFINBeforeData(t *testing.T) {
	f := newFixture(0)
	for i, d := range dialogue[:3] {
		f.send(d, int64(i))
	}
	f.send(delivery{0, fin, 108, 500, "", 0}, 3)
	require.Len(t, f.got, 3)
	f.send(dialogue[3], 4)
	f.send(delivery{1, fin, 500, 109, "", 0}, 5)
	f.send(delivery{0, ack, 109, 501, "", 0}, 6)
	require.Len(t, f.got, 7)
	require.Equal(t, event.TCPClosed, f.r.TCPState)
	f.begin(2)
	for i, d := range dialogue[:3] {
		f.send(d, int64(i))
	}
	f.send(delivery{0, fin, 5000, 500, "", 0}, 3)
	f.gate.Expire(Timeout + 4)
	f.send(dialogue[3], Timeout+5)
	require.Equal(t, [2]uint32{}, f.r.Missing)
}

// TestMemoryIsBounded: the memory is bounded, and nothing is lost when it is used up.
func TestMemoryIsBounded(t *testing.T) {
	f := newFixture(0)
	sent, got := 0, 0
	for n := range byte(200) {
		f.begin(n)
		for i := range 4 + uint32(n)/199*400 {
			f.send(delivery{0, ack, 100 + 1000*i, 500, string(make([]byte, 1000)), 1000}, int64(n))
			sent++
			require.LessOrEqual(t, f.gate.used, 64<<10)
		}
	}
	require.Positive(t, f.gate.Counts().Evicted)
	f.gate.Flush()
	require.Zero(t, f.gate.used)
	for _, d := range f.got {
		got += d.length
	}
	require.Equal(t, 1000*sent, got)
}

// TestOneFlowIsBounded: of a flow of which much waits only headers wait, as much whatever the memory of a worker.
func TestOneFlowIsBounded(t *testing.T) {
	for _, bytes := range []int{512 << 10, 1 << 20, 16 << 20} {
		f := newFixture(bytes)
		for i := range uint32(1000) {
			f.send(delivery{0, ack, 100 + 1000*i, 500, string(make([]byte, 1000)), 1000}, 1)
			require.LessOrEqual(t, f.gate.used, maxFlow+1024+2*heldSize+queueSize)
		}
		whole := maxFlow/(1024+uint64(heldSize)) + 1
		require.Equal(t, Counts{Held: 1000, Emptied: 1000 - whole}, f.gate.Counts(), "of %d bytes", bytes)
		f.gate.Flush()
		require.Zero(t, f.gate.Counts().Evicted, "headers of a stream take one place")
		require.EqualValues(t, 1000*1000, f.r.Payload(0))
		require.Zero(t, f.gate.used)
	}
}

// TestNoAllocations: segments that wait reuse the memory of earlier ones.
func TestNoAllocations(t *testing.T) {
	f := newFixture(0)
	for i, d := range dialogue[:3] {
		f.send(d, int64(i))
	}
	p := [2]decap.Packet{}
	payload := make([]byte, 1400)
	seq := [2]uint32{100, 500}
	exchange := func() {
		for s := range p {
			p[s] = decap.Packet{Proto: decap.TCP, HasTCP: true, TCPFlags: ack, Seq: seq[s], Payload: payload, PayloadLen: len(payload)}
			p[s].Ack = seq[1-s]
		}
		p[1].Ack += 1400
		f.gate.Segment(f.r, 1, &p[1], 1, 1)
		f.gate.Segment(f.r, 0, &p[0], 1, 1)
		seq[0] += 1400
		seq[1] += 1400
		f.got = f.got[:0]
	}
	for range 10 {
		exchange()
	}
	held := f.gate.Counts().Held
	require.Zero(t, testing.AllocsPerRun(100, exchange)-2, "but for the text of the test")
	require.Greater(t, f.gate.Counts().Held, held)
}
