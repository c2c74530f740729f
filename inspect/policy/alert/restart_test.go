package alert

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/mirrorsink/mirrorsink/inspect/policy"
)

// restart makes the bench go on with a new engine and another policy, as after a restart. What is saved passes through its text.
func (b *bench) restart(t require.TestingT, text string, memory int) {
	saved := b.Saved()
	for i := range saved.Open {
		o, ok := DecodeOpen(saved.Open[i].Encode())
		require.True(t, ok)
		require.Equal(t, saved.Open[i], *o)
	}
	next := newBench(t, text, memory)
	b.policy = next.policy
	b.Engine = NewEngine(Config{Policy: next.policy, Memory: memory, Emit: func(a *Alert) { b.got = append(b.got, *a) }, Known: saved})
}

// TestOpenSurvivesRestarts: wherever the program is restarted, a fact is opened once, then updated, then resolved, and all of its activities
// count.
func TestOpenSurvivesRestarts(t *testing.T) {
	const text = "allow: []\nalert: {not-allowed: {}, management-port: {}}\n"
	rapid.Check(t, func(t *rapid.T) {
		b := newBench(t, text, 1<<20)
		now, sent := int64(1e9), map[string]int{}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			now += rapid.Int64Range(0, 40*60).Draw(t, "seconds")
			name := rapid.SampledFrom([]string{"a.test", "b.test"}).Draw(t, "name")
			if rapid.IntRange(0, 3).Draw(t, "restart") == 0 {
				b.restart(t, text, 1<<20)
			}
			b.send(now*second, "i-1", name, 22, 1)
			sent[name]++
		}
		b.restart(t, text, 1<<20)
		b.Advance((now + 2*3600) * second)
		require.Zero(t, b.Count().Open)
		counted, last := map[string]int{}, map[string]Alert{}
		for _, a := range b.got {
			id := a.ID()
			before, known := last[id]
			require.Equal(t, a.State != Opened, known, "%v", a)
			require.True(t, !known || before.State != Resolved && a.Count >= before.Count)
			last[id] = a
			if a.State == Resolved {
				counted[a.Rule+" "+a.To] += int(a.Count)
			}
		}
		for name, n := range sent {
			require.Equal(t, n, counted["not-allowed "+name])
			require.Equal(t, n, counted["management-port "+name])
		}
	})
}

// TestRestartWithAnotherPolicy: alerts whose rule is gone, or is of another kind, are resolved once the time is known. They are not forgotten
// if the program is restarted before that.
func TestRestartWithAnotherPolicy(t *testing.T) {
	b := newBench(t, "allow: []\nalert: {not-allowed: {name: x}, management-port: {}, listed: {in: [a.test]}}\n", 1<<20)
	b.send(1000*second, "i-1", "a.test", 22, 1)
	require.Len(t, b.got, 3)
	const after = "allow: []\nalert: {long-connection: {name: x}, management-port: {}}\n"
	b.restart(t, after, 1<<20)
	require.Len(t, b.got, 3)
	b.restart(t, after, 1<<20)
	b.Advance(1001 * second)
	require.Len(t, b.got, 5)
	for _, a := range b.got[3:] {
		require.Equal(t, Resolved, a.State)
	}
	require.ElementsMatch(t, []string{"x", "listed"}, []string{b.got[3].Rule, b.got[4].Rule})
	require.EqualValues(t, 1, b.Count().Open)
}

// TestRestartInAnotherTime: alerts of a later time, such as those of another capture, do not stay open for as long.
func TestRestartInAnotherTime(t *testing.T) {
	const text = "allow: []\nalert: {not-allowed: {}}\n"
	b := newBench(t, text, 1<<20)
	b.send(1e6*second, "i-1", "a.test", 443, 1)
	b.restart(t, text, 1<<20)
	b.send(1000*second, "i-1", "a.test", 443, 1)
	require.Len(t, b.got, 2)
	require.Equal(t, Opened, b.got[1].State)
}

// TestRestartIsBounded: what was saved with more memory takes no more than there is now.
func TestRestartIsBounded(t *testing.T) {
	const text = "allow: []\nalert: {not-allowed: {}}\n"
	b := newBench(t, text, 8<<20)
	for i := range 500 {
		b.send(1000*second, fmt.Sprint("i-", i), "a.test", 443, 1)
	}
	require.EqualValues(t, 500, b.Count().Open)
	b.restart(t, text, 64<<10)
	require.LessOrEqual(t, b.open.size, 64<<10/openShare)
	require.Positive(t, b.Count().Evicted)
	_, old := b.open.items[Key{"not-allowed", "", "i-0", "a.test"}]
	_, young := b.open.items[Key{"not-allowed", "", "i-499", "a.test"}]
	require.True(t, young && !old, "the least recently used are forgotten")
}

// TestLearningSurvivesRestarts: a workload that was watched for long enough is not learnt again after a restart, though all of its names were
// used a moment ago.
func TestLearningSurvivesRestarts(t *testing.T) {
	const text = "allow: []\nalert: {new-name: {learn: 1d}}\n"
	b := newBench(t, text, 1<<20)
	b.send(second, "i-1", "a.test", 443, 1)
	b.send(100_000*second, "i-1", "a.test", 443, 1)
	b.restart(t, text, 1<<20)
	b.send(100_001*second, "i-1", "b.test", 443, 1)
	require.Len(t, b.got, 1)
}

// TestDecode: what is no alert is refused, and nothing of it is larger than an alert may be.
func TestDecode(t *testing.T) {
	o := Open{Alert: Alert{Key: Key{Rule: "x"}, Kind: policy.Beacon, First: 1, Last: 2}, Quiet: time.Hour}
	for range 10 {
		o.Flows = append(o.Flows, FlowBytes{})
	}
	got, ok := DecodeOpen(o.Encode())
	require.True(t, ok)
	require.Len(t, got.Flows, maxFlows)
	for _, change := range []func(*Open){
		func(o *Open) { o.Rule = "" }, func(o *Open) { o.Last = 0 }, func(o *Open) { o.Quiet = -1 }, func(o *Open) { o.Quiet = 1 << 62 },
	} {
		bad := o
		change(&bad)
		_, ok := DecodeOpen(bad.Encode())
		require.False(t, ok)
	}
	for _, text := range []string{"", "{", "null", "[]", `{"Kind":"beacon"}`, `{"Kind":"nothing","State":"opened","Rule":"x"}`} {
		_, ok := DecodeOpen([]byte(text))
		require.False(t, ok, text)
	}
}
