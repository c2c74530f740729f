package alert

import (
	"fmt"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/mirrorsink/mirrorsink/inspect/policy"
)

const second = int64(time.Second)

// bench runs an engine over activities of one policy.
type bench struct {
	*Engine
	policy *policy.Policy
	meter  Meter
	got    []Alert
	flow   uint64
}

func newBench(t require.TestingT, text string, memory int) *bench {
	p, err := policy.Parse("p.yaml", []byte(text), policy.Config{Check: func(string) error { return nil }})
	require.NoError(t, err)
	b := &bench{policy: p}
	b.Engine = NewEngine(Config{
		Policy: p, Memory: memory, Meter: &b.meter, Emit: func(a *Alert) { b.got = append(b.got, *a) },
		Match: func(*policy.Alert) func(*Activity) bool { return func(a *Activity) bool { return a.Flow.Port == 23 } },
	})
	return b
}

// send is a flow of a source to a name on a port that sends bytes at once.
func (b *bench) send(at int64, source, name string, port uint16, bytes uint64) {
	b.flow++
	f := &policy.Flow{
		Source: policy.Source{Instance: source, VPC: "vpc-1"}, Addr: netip.MustParseAddr("203.0.113.1"), Protocol: 6, Port: port, Services: true,
		Names: policy.Names{SNI: name}, Opened: policy.OpenedHere,
	}
	b.Observe(&Activity{At: at, Started: at, ID: b.flow, New: true, Sent: bytes, Total: bytes, Flow: f, Verdict: b.policy.Decide(f)})
}

const exfil = `
allow: [{to: ["*.s3.example"]}]
alert: {exfiltration: {bytes: 100kB, within: 5m, to: not-allowed}}
`

// TestBoundary: 100,000 bytes in 300 seconds are no alert, 100,001 are one.
func TestBoundary(t *testing.T) {
	for extra, want := range map[uint64]int{0: 0, 1: 1} {
		b := newBench(t, exfil, 1<<20)
		b.send(1000*second, "i-1", "evil.test", 443, 50_000+extra)
		b.send(1299*second, "i-1", "evil.test", 443, 50_000)
		require.Len(t, b.got, want, extra)
	}
	b := newBench(t, exfil, 1<<20)
	b.send(1000*second, "i-1", "evil.test", 443, 100_000)
	b.send(1300*second, "i-1", "evil.test", 443, 100_000)
	require.Empty(t, b.got, "the first bytes are 300 seconds old")
}

// TestManyFlows: 100 connections of 99 kB to one name are one alert; the same to an allowed name, or by 100 instances, none.
func TestManyFlows(t *testing.T) {
	b := newBench(t, exfil, 1<<20)
	for i := range int64(100) {
		b.send((1000+i)*second, "i-1", "evil.test", 443, 99_000)
		b.send((1000+i)*second, "i-1", "bucket.s3.example", 443, 99_000)
		b.send((1000+i)*second, fmt.Sprint("i-", 100+i), "evil.test", 443, 99_000)
	}
	require.Len(t, b.got, 1)
	a := b.got[0]
	require.Equal(t, Key{"exfiltration", "", "i-1", "evil.test"}, a.Key)
	require.Equal(t, Opened, a.State)
	require.EqualValues(t, 198_000, a.Bytes, "it is opened at the second connection")
	require.Len(t, a.Flows, 1)
	require.EqualValues(t, 98, b.Count().Suppressed)
	require.Equal(t, Totals{map[string]uint64{"": 200 * 99_000}, map[string]uint64{"exfiltration": 1}}, b.meter.Totals())
	b.Advance((1100 + 3600) * second)
	require.Len(t, b.got, 2)
	require.Equal(t, Resolved, b.got[1].State)
	require.EqualValues(t, 99, b.got[1].Count)
	require.EqualValues(t, 98, b.got[1].Repeats)
	require.EqualValues(t, 9_900_000, b.got[1].Bytes)
	require.Len(t, b.got[1].Flows, 3)
}

// TestNamedLate: what flows sent before they had a name counts for the name that they get, and for their address no more. Windows are in the
// end what they are if all names are known at once.
func TestNamedLate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		late, early := newBench(t, exfil, 1<<20), newBench(t, exfil, 1<<20)
		type flow struct {
			name  string
			named bool
			total uint64
		}
		flows := make([]flow, rapid.IntRange(1, 5).Draw(t, "flows"))
		for i := range flows {
			flows[i].name = rapid.SampledFrom([]string{"", "evil.test", "bucket.s3.example", "other.test"}).Draw(t, "name")
		}
		now := int64(1000)
		observe := func(b *bench, id int, name string, sent uint64) {
			f := &policy.Flow{
				Source: policy.Source{Instance: "i-1"}, Addr: netip.MustParseAddr("203.0.113.1"), Protocol: 6, Port: 443, Opened: policy.OpenedHere,
				Names: policy.Names{Host: name},
			}
			b.Observe(&Activity{At: now * second, ID: uint64(id), Sent: sent, Total: flows[id].total, Flow: f, Verdict: b.policy.Decide(f)})
		}
		act := func(id int, sent uint64) {
			f := &flows[id]
			f.total += sent
			observe(early, id, f.name, sent)
			if f.named {
				observe(late, id, f.name, sent)
			} else {
				observe(late, id, "", sent)
			}
		}
		for range rapid.IntRange(1, 40).Draw(t, "activities") {
			now += rapid.Int64Range(0, 60).Draw(t, "gap")
			id := rapid.IntRange(0, len(flows)-1).Draw(t, "flow")
			flows[id].named = flows[id].named || rapid.IntRange(0, 3).Draw(t, "named") == 0
			act(id, rapid.Uint64Range(1, 60_000).Draw(t, "sent"))
		}
		for id := range flows {
			flows[id].named = true
			act(id, 0)
		}
		for _, to := range []string{"203.0.113.1", "evil.test", "other.test"} {
			require.Equal(t, windowOf(early, to, now), windowOf(late, to, now), to)
		}
		require.Zero(t, windowOf(late, "bucket.s3.example", now), "what is allowed does not count for the address")
	})
}

// windowOf returns the sum of the window of a destination.
func windowOf(b *bench, to string, now int64) uint64 {
	w := b.detectors[0].(*exfiltration).find(target{"", "i-1", to})
	if w == nil {
		return 0
	}
	w.expire(now, 300)
	return w.sum
}

// TestUnnamedAreForgotten: flows without a name that sent nothing for the span of the alert take no memory.
func TestUnnamedAreForgotten(t *testing.T) {
	b := newBench(t, exfil, 8<<20)
	for i := range int64(1000) {
		b.send((1000+i)*second, "i-1", "", 443, 10)
	}
	require.Len(t, b.detectors[0].(*exfiltration).unnamed.items, 300)
	require.Zero(t, b.Count().Evicted)
}

// TestUpdates: an alert that goes on is reported again at most once in five minutes.
func TestUpdates(t *testing.T) {
	b := newBench(t, "allow: []\nalert: {not-allowed: {}}\n", 1<<20)
	for i := range int64(3600) {
		b.send((1000+i)*second, "i-1", "evil.test", 443, 1)
	}
	require.Len(t, b.got, 12)
	require.EqualValues(t, 3600, b.Count().Opened+b.Count().Updated+b.Count().Suppressed)
}

// TestWindow: the sum of a window is that of all bytes of its span, if they come in order.
func TestWindow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type sent struct {
			at    int64
			bytes uint64
		}
		var all []sent
		var w window
		now := int64(0)
		span := rapid.Int64Range(1, slots).Draw(t, "span")
		for range rapid.IntRange(1, 60).Draw(t, "n") {
			now += rapid.Int64Range(0, 40).Draw(t, "gap")
			s := sent{now, rapid.Uint64Range(0, 1000).Draw(t, "bytes")}
			all = append(all, s)
			want := uint64(0)
			for _, o := range all {
				if o.at > now-span {
					want += o.bytes
				}
			}
			if got := w.add(now, span, s.bytes); got != want {
				t.Fatalf("%d, want %d of %v", got, want, all)
			}
		}
	})
}

// TestKinds: each kind of alert has a flow that it is for, and one that it is not for.
func TestKinds(t *testing.T) {
	for kind, c := range map[string]struct {
		text string
		yes  func(*bench)
		no   func(*bench)
	}{
		"not-allowed":     {"not-allowed: {}", func(b *bench) { b.send(second, "i-1", "evil.test", 443, 1) }, func(b *bench) { b.send(second, "i-1", "ok.test", 443, 1) }},
		"management-port": {"management-port: {}", func(b *bench) { b.send(second, "i-1", "ok.test", 22, 1) }, func(b *bench) { b.send(second, "i-1", "evil.test", 443, 1) }},
		"listed":          {"listed: {in: ['*.evil.test', 203.0.113.9]}", func(b *bench) { b.send(second, "i-1", "a.evil.test", 443, 1) }, func(b *bench) { b.send(second, "i-1", "evil.test", 443, 1) }},
		"any":             {"any: {where: 'dstport == 23'}", func(b *bench) { b.send(second, "i-1", "x.test", 23, 1) }, func(b *bench) { b.send(second, "i-1", "x.test", 24, 1) }},
		"resolver-bypass": {"resolver-bypass: {}", func(b *bench) { b.send(second, "i-1", "x.test", 853, 1) }, func(b *bench) { b.send(second, "i-1", "x.test", 443, 1) }},
		"new-name": {"new-name: {learn: 1d}", func(b *bench) {
			b.send(second, "i-1", "a.test", 443, 1)
			b.send(86_401*second, "i-1", "b.test", 443, 1)
		}, func(b *bench) {
			b.send(second, "i-1", "a.test", 443, 1)
			b.send(86_300*second, "i-1", "b.test", 443, 1)
			b.send(86_500*second, "i-1", "a.test", 443, 1)
		}},
		"beacon": {"beacon: {score: 0.8}", func(b *bench) {
			for i := range int64(288) {
				b.send((1e6+300*i)*second, "i-1", "c2.test", 443, 512)
			}
		}, func(b *bench) {
			for i := range int64(288) {
				b.send((1e6+i*i)*second, "i-1", "web.test", 443, uint64(512*i))
			}
		}},
	} {
		t.Run(kind, func(t *testing.T) {
			text := "allow: [{to: ok.test}]\nalert: {" + c.text + "}\n"
			b := newBench(t, text, 1<<20)
			c.yes(b)
			require.NotEmpty(t, b.got)
			require.Equal(t, kind, b.got[0].Rule)
			b = newBench(t, text, 1<<20)
			c.no(b)
			require.Empty(t, b.got)
		})
	}
}

func TestLongConnection(t *testing.T) {
	b := newBench(t, "allow: []\nalert: {long-connection: {over: 4h}}\n", 1<<20)
	f := &policy.Flow{Addr: netip.MustParseAddr("203.0.113.1"), Opened: policy.OpenedHere}
	for _, hour := range []int64{1, 4, 5} {
		b.Observe(&Activity{At: hour * 3600 * second, Started: 0, ID: 1, Flow: f, Verdict: b.policy.Decide(f)})
	}
	require.Len(t, b.got, 1)
	require.Equal(t, "open for 5h0m0s", b.got[0].Evidence)
}

func TestTunnel(t *testing.T) {
	for names, want := range map[int]int{99: 0, 100: 1} {
		b := newBench(t, "allow: []\nalert: {dns-tunnel: {subdomains: 100}}\n", 1<<20)
		f := &policy.Flow{Addr: netip.MustParseAddr("10.0.0.2"), Protocol: 17, Port: 53, Opened: policy.OpenedHere}
		for i := range 1000 {
			b.Lookup(&Activity{At: second, Flow: f, Query: fmt.Sprintf("x%d.evil.co.uk", i%names), Verdict: b.policy.Decide(f)})
		}
		require.Len(t, b.got, want)
	}
}

// TestHeap: the state of alerts takes no more of the heap than the memory that it is given, however many sources and names there are, and what
// is dropped is counted.
func TestHeap(t *testing.T) {
	const memory, slack = 1 << 20, 192 << 10 // slack is for what does not grow
	for _, alerts := range []string{
		"exfiltration: {bytes: 1kB, within: 1h, to: any}", "beacon: {}", "new-name: {learn: 1s}", "dns-tunnel: {}", "dns-tunnel: {subdomains: 2}", "not-allowed: {}",
	} {
		before := heap()
		b := newBench(t, "allow: []\nalert: {"+alerts+"}\n", memory)
		f := &policy.Flow{Addr: netip.MustParseAddr("10.0.0.2"), Protocol: 17, Port: 53, Opened: policy.OpenedHere}
		for i := range int64(8_000) {
			at := (1e6 + i/10) * second
			b.send(at, fmt.Sprint("i-", i), fmt.Sprint(i, ".test"), 443, 2000)
			for part := range i % 20 {
				b.Lookup(&Activity{At: at, Flow: f, Query: fmt.Sprintf("part%d.name-of-%d.com", part, i)})
			}
			b.got = b.got[:0]
		}
		b.got = nil
		require.LessOrEqual(t, int64(heap())-int64(before), int64(memory+slack), alerts)
		require.Positive(t, b.Count().Evicted, alerts)
	}
}

// heap returns the bytes of what is in use.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// TestBound: what is counted of any number of sources and names is no more than the memory that they are given, and what is dropped is counted.
func TestBound(t *testing.T) {
	const memory = 1 << 20
	b := newBench(t, "allow: []\nalert: {exfiltration: {bytes: 1kB, within: 1h, to: any}, beacon: {}, new-name: {learn: 1s}}\n", memory)
	for i := range int64(20_000) {
		b.send((1e6+i)*second, fmt.Sprint("i-", i), fmt.Sprint(i, ".test"), 443, 2000)
	}
	size := b.open.size
	for _, d := range b.detectors {
		switch d := d.(type) {
		case *exfiltration:
			size += d.size
		case *beacons:
			size += d.size
		case *newName:
			size += d.size
		}
	}
	require.LessOrEqual(t, size, memory)
	require.Positive(t, b.Count().Evicted)
}

// TestRestart: names that were learnt before a restart are not new after it.
func TestRestart(t *testing.T) {
	const text = "allow: []\nalert: {new-name: {learn: 1d}}\n"
	b := newBench(t, text, 1<<20)
	b.send(second, "i-1", "a.test", 443, 1)
	again := newBench(t, text, 1<<20)
	again.Engine = NewEngine(Config{Policy: again.policy, Memory: 1 << 20, Emit: func(a *Alert) { again.got = append(again.got, *a) }, Known: b.Saved()})
	again.send(90_000*second, "i-1", "a.test", 443, 1)
	require.Empty(t, again.got)
	again.send(90_001*second, "i-1", "b.test", 443, 1)
	require.Len(t, again.got, 1)
}

// TestSetPolicy: with another policy alerts that are the same go on with what they have summed up, names stay known, open alerts whose rule
// is gone are resolved, and new ones begin.
func TestSetPolicy(t *testing.T) {
	const before = `
allow: []
alert: {exfiltration: {bytes: 100kB, within: 5m}, management-port: {}, new-name: {learn: 1m}}
`
	b := newBench(t, before, 1<<20)
	b.send(1000*second, "i-1", "evil.test", 443, 60_000)
	b.send(1001*second, "i-1", "x.test", 22, 1)
	require.Len(t, b.got, 1)
	after := newBench(t, `
# moved
allow: []
alert: {listed: {in: [y.test]}, new-name: {learn: 2m}, exfiltration: {bytes: 100kB, within: 5m}}
`, 1<<20)
	b.SetPolicy(after.policy)
	require.Len(t, b.got, 2)
	require.Equal(t, Resolved, b.got[1].State)
	require.Equal(t, "management-port", b.got[1].Rule)
	b.send(1200*second, "i-1", "evil.test", 443, 60_000)
	b.send(1201*second, "i-1", "y.test", 443, 1)
	var opened []string
	for _, a := range b.got[2:] {
		opened = append(opened, a.Rule+" "+a.To)
	}
	require.Equal(t, []string{"exfiltration evil.test", "listed y.test", "new-name y.test"}, opened)
	b.SetPolicy(newBench(t, "allow: []\n", 1<<20).policy)
	require.EqualValues(t, b.Count().Opened, b.Count().Resolved)
}

// TestRestartOfTime: what was summed up in another time is forgotten, and what was learnt is not.
func TestRestartOfTime(t *testing.T) {
	b := newBench(t, "allow: []\nalert: {exfiltration: {bytes: 100kB, within: 5m}, new-name: {learn: 1m}}\n", 1<<20)
	b.send(1e6*second, "i-1", "evil.test", 443, 60_000)
	b.Restart()
	b.send(1000*second, "i-1", "evil.test", 443, 60_000)
	require.Empty(t, b.got)
}
