package feed

import (
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/export"
	"github.com/mirrorsink/mirrorsink/inspect/flowlog"
	"github.com/mirrorsink/mirrorsink/inspect/policy"
	"github.com/mirrorsink/mirrorsink/inspect/policy/alert"
	"github.com/mirrorsink/mirrorsink/inspect/policy/judge"
)

const second = int64(time.Second)

// taken keeps alerts.
type taken struct {
	mu  sync.Mutex
	all []alert.Alert
}

func (t *taken) Alert(a *alert.Alert) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.all = append(t.all, *a)
}

// bench is a feed for a policy.
type bench struct {
	*Feed
	out     taken
	rules   *judge.Rules
	written uint64
}

func parse(t require.TestingT, text string) *judge.Rules {
	p, err := policy.Parse("p.yaml", []byte(text), policy.Config{Check: func(string) error { return nil }})
	require.NoError(t, err)
	return &judge.Rules{Policy: p}
}

func newBench(t require.TestingT, text string) *bench {
	b := &bench{rules: parse(t, text)}
	b.Feed = New(Config{
		Rules: func() *judge.Rules { return b.rules }, Memory: 1 << 20, Output: &b.out,
		Match: func(string) func(*flowlog.Record) bool {
			return func(r *flowlog.Record) bool { return r.DstPort == 23 }
		},
	})
	b.Consumer(func(written, _ *[event.Kinds]uint64, _ error) { b.written += written[event.Activity] })
	return b
}

// activity returns an Activity event of a flow that was not allowed, emitted at a second.
func activity(at int64, flow, sent uint64, port uint16) event.Event {
	return event.Event{
		Kind: event.Activity, Nanos: at * second, FlowID: flow, IPVersion: 4, IPProto: 6, DstPort: port,
		Src: netip.MustParseAddr("10.0.0.1").As16(), Dst: netip.MustParseAddr("203.0.113.7").As16(),
		Policy: &event.Verdict{Kind: "not-allowed", Reason: "no-rule", By: "address", To: "203.0.113.7"},
		Flow:   event.FlowRecord{Start: at*second - 5, End: at*second - 1, Payload: [2]uint64{sent, 0}},
		Window: event.WindowRecord{Payload: [2]uint64{sent, 0}, Begins: true},
	}
}

const exfil = "allow: []\nalert: {exfiltration: {bytes: 100kB, within: 5m}}\n"

// TestOrderOfASecond: the alerts are the same in whatever order the activities of one second come, and in whatever batches.
func TestOrderOfASecond(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		flows := rapid.SliceOfNDistinct(rapid.Uint64Range(1, 50), 2, 12, rapid.ID).Draw(t, "flows")
		run := func(order []uint64, size int) []alert.Alert {
			b := newBench(t, exfil)
			for at := range int64(3) {
				batch := &event.Batch{}
				for _, id := range order {
					batch.Events = append(batch.Events, activity(1000+at, id, 7_000*id, 443))
					if len(batch.Events) == size {
						b.Consume(batch, 0)
						b.Feed.Flush(export.Idle)
						batch = &event.Batch{}
					}
				}
				b.Consume(batch, 0)
			}
			b.Feed.Flush(export.Finish)
			require.EqualValues(t, 3*len(flows), b.written)
			return b.out.all
		}
		want := run(flows, 100)
		got := run(rapid.Permutation(flows).Draw(t, "order"), rapid.IntRange(1, 5).Draw(t, "size"))
		require.Equal(t, want, got)
	})
}

// TestQuietWire: on a live wire an alert does not wait for the next packet.
func TestQuietWire(t *testing.T) {
	b := newBench(t, exfil)
	batch := &event.Batch{Events: []event.Event{activity(1000, 1, 100_001, 443)}}
	b.Consume(batch, 0)
	b.Advance(1001 * second)
	require.Empty(t, b.out.all)
	b.Advance(1002 * second)
	require.Len(t, b.out.all, 1)
	require.EqualValues(t, 100_001, b.out.all[0].Bytes)
	b.Advance(1002*second + int64(2*time.Hour))
	require.Len(t, b.out.all, 2)
	require.Equal(t, alert.Resolved, b.out.all[1].State)
}

// TestRulesChange: alerts of new rules begin at once, with what they need.
func TestRulesChange(t *testing.T) {
	b := newBench(t, exfil)
	b.Consume(&event.Batch{Events: []event.Event{activity(1000, 1, 10, 23)}}, 0)
	b.rules = parse(t, "allow: []\nalert: {any: {where: 'x'}}\n")
	b.Consume(&event.Batch{Events: []event.Event{activity(1001, 2, 10, 23), activity(1001, 3, 10, 24)}}, 0)
	b.Feed.Flush(export.Finish)
	require.Len(t, b.out.all, 1)
	require.Equal(t, "any", b.out.all[0].Rule)
}

// TestTimeGoesBack: sums of another time do not count.
func TestTimeGoesBack(t *testing.T) {
	b := newBench(t, exfil)
	for _, at := range []int64{100_000, 1000} {
		b.Consume(&event.Batch{Events: []event.Event{activity(at, 1, 60_000, 443)}}, 0)
	}
	b.Feed.Flush(export.Finish)
	require.Empty(t, b.out.all)
}

// TestConcurrentUse: counts, names and the clock may be asked for and told while events come.
func TestConcurrentUse(t *testing.T) {
	b := newBench(t, exfil)
	var wg sync.WaitGroup
	wg.Go(func() {
		for at := range int64(100) {
			b.Consume(&event.Batch{Events: []event.Event{activity(1000+at, uint64(at), 2_000, 443)}}, 0)
		}
	})
	for range 100 {
		b.Advance(1000 * second)
		b.Counts()
		b.Saved()
	}
	wg.Wait()
	b.Feed.Flush(export.Finish)
	require.EqualValues(t, 1, b.Counts().Opened)
	require.EqualValues(t, 100, b.Counts().Activities)
}

// TestMetadata: an alert as an event has what people ask first.
func TestMetadata(t *testing.T) {
	b := Batch(&alert.Alert{
		Key: alert.Key{Rule: "exfiltration", Workload: "web", Source: "i-1", To: "evil.test"}, Severity: policy.High, Bytes: 5, Within: 5 * time.Minute,
		From: netip.MustParseAddr("2001:db8::1"), Addr: netip.MustParseAddr("2001:db8::2"), Interface: "eni-1", Instance: "i-1", Uncertain: true,
		Flows: []alert.FlowBytes{{ID: 7, Addr: netip.MustParseAddr("2001:db8::2"), Port: 443, Bytes: 5}},
	})
	e := &b.Events[0]
	require.EqualValues(t, 6, e.IPVersion)
	require.Equal(t, "mirrorsink egress exfiltration", e.Finding.Signature)
	got := map[string]string{}
	for _, m := range e.Finding.Metadata {
		require.NotEmpty(t, m.Values[0])
		got[m.Key] = m.Values[0]
	}
	require.Equal(t, "5m0s", got["window"])
	require.Equal(t, "eni-1", got["interface"])
	require.Equal(t, "7 [2001:db8::2]:443 5 bytes", got["flows"])
	require.NotContains(t, got, "account")
}
