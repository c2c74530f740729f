package flow

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/event"
)

func gapsTable() *Table {
	t := New(0, func(*Record, event.EndReason, int64) {})
	t.SetGapMemory(1 << 20)
	return t
}

func (t *Table) play(r *Record, segs ...seg) {
	for _, g := range segs {
		p := g.packet()
		r.Count(g.s, p, 1, 40, 0)
		r.Segment(g.s, p, &t.gaps)
	}
}

// TestMissingIsExact: whatever comes late, in whatever order, what is missing in the end are the bytes of which no copy came.
func TestMissingIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		table := gapsTable()
		r, _ := table.Get(&decap.Key{Proto: decap.TCP}, 1, 1)
		isn := rapid.Uint32().Draw(t, "isn")
		table.play(r, seg{0, syn, isn, 0, 0}, seg{1, synack, 76, isn + 1, 0}, seg{0, ack, isn + 1, 77, 0})
		var have [2000]bool
		end, acked := 0, 0
		for range rapid.IntRange(1, 80).Draw(t, "segments") {
			off, n := rapid.IntRange(0, 1500).Draw(t, "offset"), rapid.IntRange(1, 300).Draw(t, "length")
			table.play(r, seg{0, ack, isn + 1 + uint32(off), 0, n})
			for i := off; i < off+n; i++ {
				have[i] = true
			}
			end = max(end, off+n)
			if rapid.IntRange(0, 5).Draw(t, "acknowledged") == 0 {
				acked = max(acked, rapid.IntRange(0, 2000).Draw(t, "up to"))
				end = max(end, acked)
				table.play(r, seg{1, ack, 77, isn + 1 + uint32(acked), 0})
			}
		}
		missing := 0
		for _, x := range have[:end] {
			if !x {
				missing++
			}
		}
		require.EqualValues(t, missing, r.Missing[0])
		require.EqualValues(t, end-missing, r.Payload(0))
		if missing == 0 {
			require.Nil(t, table.gaps.oldest)
		}
		table.Flush(event.EndShutdown)
		require.Nil(t, table.gaps.oldest)
	})
}

// TestGapMemory: the memory for gaps is bounded, and what is missing stays within what was sent when it is used up.
func TestGapMemory(t *testing.T) {
	table := New(1<<20, func(*Record, event.EndReason, int64) {})
	table.SetGapMemory(20 << 10)
	rnd := rand.New(rand.NewPCG(1, 1))
	for i := range uint16(500) {
		k := decap.Key{Proto: decap.TCP, LoPort: i}
		r, _ := table.Get(&k, Hash(&k), 1)
		n := 1 + rnd.IntN(2500)
		for j := range n {
			table.play(r, seg{0, ack, uint32(2 * j), 0, 1})
		}
		for range n / 2 {
			table.play(r, seg{0, ack, uint32(2*rnd.IntN(n)) + 1, 0, 1})
		}
		require.LessOrEqual(t, table.gaps.used, 20<<10+2*maxGaps*gapSize)
		require.LessOrEqual(t, r.Payload(0)+uint64(r.Missing[0]), uint64(2*n))
	}
}

// TestClosedInAGap: a FIN shows that bytes behind it were not sent, and that none are missing before them.
func TestClosedInAGap(t *testing.T) {
	for name, c := range map[string]struct {
		segs             []seg
		payload, missing uint64
	}{
		"one ahead":              {[]seg{{0, ack, 100, 500, 10}, {0, ack, 5000, 500, 20}, {0, fin, 110, 500, 0}}, 10, 0},
		"FIN ahead":              {[]seg{{0, ack, 100, 500, 10}, {0, fin, 5000, 500, 20}, {0, ack, 110, 500, 10}, {0, fin, 120, 500, 0}}, 20, 0},
		"two ahead":              {[]seg{{0, ack, 100, 500, 10}, {0, ack, 7000, 500, 20}, {0, ack, 9000, 500, 20}, {0, fin, 110, 500, 0}}, 10, 0},
		"two ahead, one filled":  {[]seg{{0, ack, 100, 500, 10}, {0, ack, 150, 500, 20}, {0, ack, 7000, 500, 20}, {0, ack, 110, 500, 40}, {0, fin, 170, 500, 0}}, 70, 0},
		"one ahead, others lost": {[]seg{{0, ack, 100, 500, 10}, {0, ack, 150, 500, 20}, {0, ack, 7000, 500, 20}, {0, fin, 180, 500, 0}}, 30, 50},
		"with payload":           {[]seg{{0, ack, 100, 500, 10}, {0, ack, 7000, 500, 20}, {0, fin, 110, 500, 30}}, 40, 0},
		"lost, FIN at its end":   {[]seg{{0, ack, 100, 500, 10}, {0, ack, 150, 500, 20}, {0, fin, 170, 500, 0}}, 30, 40},
		"acknowledged before":    {[]seg{{0, ack, 100, 500, 10}, {1, ack, 500, 131, 0}, {0, fin, 130, 500, 0}}, 10, 20},
		"repeated in no gap":     {[]seg{{0, ack, 100, 500, 10}, {0, ack, 150, 500, 20}, {0, fin, 105, 500, 0}}, 30, 40},
		"the connection goes on": {[]seg{{0, ack, 100, 500, 10}, {0, ack, 150, 500, 20}, {0, fin, 120, 500, 0}, {0, ack, 170, 500, 10}}, 20, 59},
	} {
		t.Run(name, func(t *testing.T) {
			table := gapsTable()
			r, _ := table.Get(&decap.Key{Proto: decap.TCP}, 1, 1)
			table.play(r, handshake...)
			table.play(r, c.segs...)
			require.Equal(t, c.payload, r.Payload(0), "payload")
			require.EqualValues(t, c.missing, r.Missing[0], "missing")
		})
	}
}
