package naming

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/flow"
	"github.com/mirrorsink/mirrorsink/inspect/l7"
)

// arm lets the namer see that DNS is seen at all.
func arm(n *Namer) {
	n.Message(connection(0), &l7.Hint{Role: l7.Response, Answers: []l7.Answer{{Name: []byte("other.example"), Addr: client, TTL: 60}}}, 0)
}

// complete describes a flow in an event of a kind, and completes it if it waits. It reports whether it did.
func complete(n *Namer, r *flow.Record, kind event.Kind, until int64) (e *event.Event, name string, waited bool) {
	b := new(event.Batch)
	e = &event.Event{Kind: kind, Proto: l7.TLS}
	place, waited := n.Describe(b, e, r)
	if kind == event.Flow {
		n.Release(r)
	}
	n.Settle(until, until)
	if waited {
		n.Complete(b, e, place)
	}
	return e, string(b.Text(e.Name)), waited
}

// TestAnswersThatComeLate: an event waits for an answer that explains its flow, and the flow is corrected too.
func TestAnswersThatComeLate(t *testing.T) {
	for name, c := range map[string]struct {
		at, until int64 // when the answer is seen, and when the event is completed
		explained bool
		undecided uint64
	}{
		"in time":         {second + int64(Reach), second + decideAfter, true, 0},
		"too late":        {second + int64(Reach) + 1, second + decideAfter, false, 0},
		"not decided yet": {second + int64(Reach), second + decideAfter - 1, true, 1},
	} {
		n, _ := newNamer(64 << 10)
		arm(n)
		r := connection(second)
		n.Opened(r, true)
		n.Message(r, sni("a.example", l7.ECHNone), second)
		require.NotZero(t, r.NameFlags.Conflicts(), "as far as is known")
		answer(n, "a.example", 60, c.at)
		e, _, waited := complete(n, r, event.AppLayer, c.until)
		require.True(t, waited)
		require.Equal(t, c.explained, e.Direct == event.NotDirect && e.Conflicts == 0, name)
		require.Equal(t, c.undecided, *n.Undecided, name)
		n.Settle(math.MaxInt64, math.MaxInt64)
		require.Equal(t, c.explained, r.NameFlags.Direct() == event.NotDirect && r.NameFlags.Conflicts() == 0, name)
		_, _, waited = complete(n, r, event.AppLayer, math.MaxInt64)
		require.False(t, waited, "it is decided")
	}
}

// TestFlowsThatEndEarly: what a flow waits for outlives it, and its record may be used again.
func TestFlowsThatEndEarly(t *testing.T) {
	n, refused := newNamer(64 << 10)
	arm(n)
	for range 1000 {
		r := connection(second)
		n.Opened(r, true)
		b, e := new(event.Batch), &event.Event{Kind: event.Flow}
		place, waits := n.Describe(b, e, r)
		require.True(t, waits)
		n.Release(r)
		*r = *connection(second + 1) // another one
		n.Opened(r, true)
		answer(n, "a.example", 60, second)
		n.Settle(2*second, 2*second)
		require.True(t, n.Decided(place))
		n.Complete(b, e, place)
		require.Equal(t, "a.example", string(b.Text(e.Name)))
		require.Equal(t, event.NotDirect, e.Direct)
		n.Release(r)
		n.DNS = newDNS()
		arm(n)
		n.settled = 0
	}
	require.Zero(t, *refused, "names come back")
}

// TestPendingIsBounded: flows for which there is no room claim nothing, and are counted.
func TestPendingIsBounded(t *testing.T) {
	n, _ := newNamer(64 << 10)
	arm(n)
	var flows []*flow.Record
	for i := range 2 * minPending {
		r := connection(second)
		r.Key.LoPort = uint16(i)
		n.Opened(r, true)
		n.Message(r, sni("a.example", l7.ECHNone), second)
		flows = append(flows, r)
	}
	require.EqualValues(t, minPending, *n.Undecided)
	n.Settle(second+decideAfter, second+decideAfter)
	direct := 0
	for _, r := range flows {
		if r.NameFlags.Direct() == event.NoLookup {
			direct++
			require.NotZero(t, r.NameFlags.Conflicts())
		} else {
			require.Zero(t, r.NameFlags.Conflicts())
		}
	}
	require.Equal(t, minPending, direct)
	r := connection(2 * second)
	n.Opened(r, true)
	require.Equal(t, event.NoLookup, r.NameFlags.Direct(), "there is room again")
}

// TestImpossibleTimes: a packet from the future, and packets from the past, do not keep what follows from being decided.
func TestImpossibleTimes(t *testing.T) {
	n, _ := newNamer(64 << 10)
	arm(n)
	far, near, past := connection(1000*second), connection(second), connection(-second)
	for i, r := range []*flow.Record{far, near, past} {
		r.Key.LoPort = uint16(i)
		n.Opened(r, true)
	}
	n.Settle(second, second)
	require.False(t, n.Settled(second))
	n.Settle(second+decideAfter, second+decideAfter)
	require.Equal(t, n.pending.decided, n.pending.end)
}

// TestPendingModel compares the queue with a map: every flow that is pending is found, at its place, and no other.
func TestPendingModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q, places, records := newPendings(0), map[*flow.Record]uint64{}, make([]*flow.Record, 100)
		for i := range records {
			records[i] = connection(0)
			records[i].Key.LoPort = uint16(i)
		}
		record := rapid.SampledFrom(records)
		t.Repeat(map[string]func(*rapid.T){
			"": func(t *rapid.T) {
				for _, r := range records {
					p, place := q.find(r)
					want, ok := places[r]
					require.Equal(t, ok, p != nil)
					if ok {
						require.Equal(t, want, place)
						require.Same(t, q.at(place), p)
					}
				}
			},
			"add": func(t *rapid.T) {
				r := record.Draw(t, "r")
				if _, ok := places[r]; ok {
					return
				}
				full := q.end-q.first == uint64(len(q.all))
				if p := q.add(r); !full {
					require.NotNil(t, p)
					places[r] = q.end - 1
				} else {
					require.Nil(t, p)
				}
			},
			"detach": func(t *rapid.T) {
				r := record.Draw(t, "r")
				if p, _ := q.find(r); p != nil {
					q.detach(p)
					delete(places, r)
				}
			},
			"decide": func(t *rapid.T) {
				for range rapid.IntRange(0, 10).Draw(t, "n") {
					if q.decided == q.end {
						return
					}
					p := q.at(q.decided)
					delete(places, p.r)
					q.detach(p)
					q.decided++
					q.first = q.decided
				}
			},
		})
	})
}

// TestAnyAnswerInTime: whenever an answer is seen, the flow is explained if it is early enough, as far as its time goes.
func TestAnyAnswerInTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, _ := newNamer(64 << 10)
		arm(n)
		r := connection(10 * second)
		seen := r.Start + rapid.SampledFrom([]int64{-9 * second, -1, 0, 1, int64(Reach), int64(Reach) + 1, int64(time.Second)}).Draw(t, "seen")
		steps := []func(){
			func() { answer(n, "a.example", 60, seen) },
			func() { answer(n, "b.example", 60, r.Start+int64(Reach)+rapid.Int64Range(1, 1e9).Draw(t, "other")) }, // for a later flow
			func() { n.Settle(r.Start+decideAfter-1, r.Start+decideAfter-1) },
		}
		open := false
		for _, step := range rapid.Permutation([]int{0, 1, 2, 3}).Draw(t, "order") {
			if step < len(steps) {
				steps[step]()
				continue
			}
			n.Opened(r, true)
			n.Message(r, sni("a.example", l7.ECHNone), r.Start)
			open = true
		}
		require.True(t, open)
		n.Settle(r.Start+decideAfter, r.Start+decideAfter)
		explained := r.NameFlags.Direct() == event.NotDirect && r.NameFlags.Conflicts() == 0
		require.Equal(t, seen <= r.Start+int64(Reach), explained)
	})
}
