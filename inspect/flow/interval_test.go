package flow

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/event"
)

func TestCut(t *testing.T) {
	table, _ := recorder(64 << 10)
	table.Aggregate(60)
	table.OpenWindow(100 * second)
	count := func(s Side, flags uint8, first, last int64) *Record {
		r, _ := see(table, udpKey(1), s, last)
		table.CountInterval(r, s, &decap.Packet{HasTCP: true, TCPFlags: flags}, 2, 1<<33, first, last)
		return r
	}
	count(0, decap.SYN, 100*second, 100*second)
	count(0, decap.ACK, 103*second, 104*second)
	r := count(1, decap.SYN|decap.ACK, 20*second, 101*second) // a part of it came late
	want := Interval{
		Window: 60, Bytes: [2]uint64{1 << 34, 1 << 33}, Payload: [2]uint64{20, 10}, Packets: [2]uint32{4, 2},
		First: [2]uint32{100, 60}, Last: [2]uint32{104, 101},
		Flags: [2]uint8{decap.SYN | decap.ACK, decap.SYN | decap.ACK | event.SynAck},
	}
	require.False(t, table.Stale(r))
	table.OpenWindow(130 * second)
	require.True(t, table.Stale(r))
	require.Equal(t, want, table.TakeInterval(r))
	require.False(t, r.Counted())
	count(1, 0, 130*second, 130*second)
	i := table.TakeInterval(r)
	require.Equal(t, Interval{Window: 120, Bytes: [2]uint64{0, 1 << 33}, Payload: [2]uint64{0, 10}, Packets: [2]uint32{0, 2}, First: [2]uint32{120, 130}, Last: [2]uint32{120, 130}}, i)
}

// TestWindows: whatever is seen and whoever is evicted, each packet is in one interval, of the window in which it was counted; and
// what is due is found without a walk over the table.
func TestWindows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		counted, taken := map[string]uint64{}, map[string]uint64{}
		name := func(k *decap.Key, window uint32) string { return fmt.Sprint(k.LoPort, " ", window) }
		var table *Table
		take := func(r *Record) {
			if r.Counted() {
				i := table.TakeInterval(r)
				taken[name(&r.Key, i.Window)] += i.Bytes[0] + i.Bytes[1]
			}
		}
		table = New(0, func(r *Record, _ event.EndReason, _ int64) { take(r) }) // 64 flows
		table.Aggregate(10)
		now, bytes := 1000*second, uint64(1)
		drain := func() {
			for {
				r, more := table.Due(rapid.IntRange(1, 5).Draw(t, "most"))
				if r != nil {
					require.True(t, table.Stale(r))
					take(r)
				} else if !more {
					return
				}
			}
		}
		table.OpenWindow(now)
		for range rapid.IntRange(1, 300).Draw(t, "packets") {
			now += rapid.Int64Range(0, 8*second).Draw(t, "later")
			if _, to := table.Window(); now >= int64(to)*second {
				drain()
				table.OpenWindow(now)
			}
			k := udpKey(rapid.IntRange(0, 100).Draw(t, "flow"))
			r, _ := table.Get(&k, Hash(&k), now)
			if table.Stale(r) {
				take(r)
			}
			s := Side(rapid.IntRange(0, 1).Draw(t, "side"))
			r.Count(s, &decap.Packet{}, 1, bytes, now)
			table.CountInterval(r, s, &decap.Packet{}, 1, bytes, now, now)
			from, _ := table.Window()
			counted[name(&k, from)] += bytes
			bytes += bytes>>2 + 1
			bytes &= 1<<32 - 1
			table.Active(r)
			table.Age(now, -1)
		}
		drain()
		_, to := table.Window()
		table.OpenWindow(int64(to) * second)
		drain()
		require.Equal(t, counted, taken)
		require.Zero(t, table.windows.n, "nobody is left in the ring")
	})
}

func TestAttachedTexts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := NewNames(64 * 32)
		text := rapid.SliceOfN(rapid.Byte(), 1, 80)
		ref, name, attached := uint32(0), "", map[byte]string{}
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			kind := rapid.ByteRange(1, 3).Draw(t, "kind")
			b := text.Draw(t, "text")
			switch rapid.IntRange(0, 2).Draw(t, "step") {
			case 0:
				if renamed := n.Rename(ref, b); renamed != 0 {
					ref, name = renamed, string(b)
				}
			case 1:
				var ok bool
				delete(attached, kind)
				if ref, ok = n.Attach(ref, kind, b); ok {
					attached[kind] = string(b)
				}
			case 2:
				n.Detach(ref, kind)
				delete(attached, kind)
			}
			require.Equal(t, name, string(n.Append(nil, ref)))
			for kind := byte(1); kind <= 3; kind++ {
				require.Equal(t, "x"+attached[kind], string(n.Attached([]byte("x"), ref, kind)))
			}
		}
		n.Free(ref)
		free := 0
		for n.Put(make([]byte, 27)) != 0 {
			free++
		}
		require.Equal(t, 64, free, "all memory came back")
	})
}
