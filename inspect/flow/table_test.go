package flow

import (
	"encoding/binary"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/event"
)

const second = int64(time.Second)

// udpKey returns the n-th of many different keys.
func udpKey(n int) decap.Key {
	k := decap.Key{Proto: decap.UDP, Version: 4, LoPort: 53}
	binary.BigEndian.PutUint32(k.Lo[12:], 0x0a000001)
	binary.BigEndian.PutUint32(k.Hi[12:], 0x0b000000+uint32(n))
	return k
}

// see accounts one packet of a side, as the worker does.
func see(t *Table, k decap.Key, s Side, nanos int64) (*Record, bool) {
	r, fresh := t.Get(&k, Hash(&k), nanos)
	r.Count(s, &decap.Packet{Proto: k.Proto, PayloadLen: 10}, 1, 38, nanos)
	t.Active(r)
	return r, fresh
}

type end struct {
	key   decap.Key
	why   event.EndReason
	nanos int64
}

func recorder(size int) (*Table, *[]end) {
	ends := new([]end)
	return New(size, func(r *Record, why event.EndReason, nanos int64) { *ends = append(*ends, end{r.Key, why, nanos}) }), ends
}

func TestGetFindsWhatItMade(t *testing.T) {
	table, ends := recorder(64 << 10)
	r, fresh := see(table, udpKey(1), 0, second)
	require.True(t, fresh)
	require.EqualValues(t, 1, r.Packets[0])
	again, fresh := see(table, udpKey(1), 1, 2*second)
	require.False(t, fresh)
	require.Same(t, r, again)
	require.Equal(t, [2]uint32{1, 1}, r.Packets)
	require.Equal(t, 1, table.Live())
	require.Empty(t, *ends)
	require.Same(t, r, table.At(table.Ref(r)))
}

// TestTimeouts holds the documented idle times: a packet that comes exactly at the end still belongs to the flow, one that
// comes a nanosecond later does not, however late Age is called.
func TestTimeouts(t *testing.T) {
	for name, c := range map[string]struct {
		proto   uint8
		flags   [][2]uint8 // side, TCP flags
		seconds int64
	}{
		"udp new":         {decap.UDP, [][2]uint8{{0, 0}}, 30},
		"udp established": {decap.UDP, [][2]uint8{{0, 0}, {1, 0}}, 300},
		"icmp new":        {decap.ICMP, [][2]uint8{{0, 0}}, 30},
		"tcp new":         {decap.TCP, [][2]uint8{{0, decap.SYN}}, 60},
		"tcp established": {decap.TCP, [][2]uint8{{0, decap.SYN}, {1, decap.SYN | decap.ACK}, {0, decap.ACK}}, 600},
		"tcp closed":      {decap.TCP, [][2]uint8{{0, decap.ACK}, {1, decap.RST}}, 60},
	} {
		t.Run(name, func(t *testing.T) {
			table, ends := recorder(64 << 10)
			k := udpKey(1)
			k.Proto = c.proto
			for _, f := range c.flags {
				r, _ := table.Get(&k, Hash(&k), second)
				p := &decap.Packet{Proto: c.proto, TCPFlags: f[1], HasTCP: c.proto == decap.TCP}
				r.Count(f[0], p, 1, 40, second)
				if p.HasTCP {
					r.Segment(f[0], p, nil)
				}
				table.Active(r)
			}
			limit := second + c.seconds*second
			_, fresh := table.Get(&k, Hash(&k), limit)
			require.False(t, fresh, "at the limit")
			table.Age(limit, -1)
			require.Empty(t, *ends)
			_, fresh = table.Get(&k, Hash(&k), limit+1)
			require.True(t, fresh, "past the limit")
			require.Equal(t, []end{{k, event.EndTimeout, limit}}, *ends)
		})
	}
}

// TestWaitIsNoActivity: a flow that is closed by a segment that has waited ends as long after its last packet as others.
func TestWaitIsNoActivity(t *testing.T) {
	for _, leap := range []int64{2, 50, 1000} {
		table, ends := recorder(64 << 10)
		table.Tick(second)
		closing, _ := seeTCP(table, tcpKey(1), 0, decap.ACK, second)
		now := second + leap*second
		table.Tick(now)
		seeTCP(table, tcpKey(2), 0, decap.RST, now)
		closing.Segment(0, &decap.Packet{Proto: decap.TCP, HasTCP: true, TCPFlags: decap.RST}, table.Gaps())
		table.Reclassify(closing)
		require.Equal(t, tcpClosed, closing.class())
		table.Age(max(now, 63*second), -1)
		require.Equal(t, []end{{tcpKey(1), event.EndTimeout, 61 * second}}, *ends, "%d seconds", leap)
	}
}

func TestAgeEndsWhatIsIdle(t *testing.T) {
	table, ends := recorder(64 << 10)
	for n := range 10 {
		see(table, udpKey(n), 0, int64(n)*second)
	}
	see(table, udpKey(0), 0, 20*second) // keeps the oldest alive
	table.Age(45*second, -1)
	require.Len(t, *ends, 9)
	for i, e := range *ends {
		assert.Equal(t, end{udpKey(i + 1), event.EndTimeout, int64(i+1)*second + 30*second}, e)
	}
	require.Equal(t, 1, table.Live())
}

func TestEvictsLeastRecentlyActive(t *testing.T) {
	table, ends := recorder(0) // the smallest: 64 flows
	for n := range 64 {
		see(table, udpKey(n), 0, int64(n)*second/4)
	}
	see(table, udpKey(0), 1, 20*second) // now the most recently active, and in another class
	see(table, udpKey(64), 0, 21*second)
	require.Equal(t, []end{{udpKey(1), event.EndForced, second / 4}}, *ends)
	require.Equal(t, 64, table.Live())
	_, fresh := see(table, udpKey(0), 0, 22*second)
	require.False(t, fresh)
}

func TestFlushEndsAll(t *testing.T) {
	table, ends := recorder(64 << 10)
	for n := range 20 {
		see(table, udpKey(n), Side(n%2), second)
	}
	table.Flush(event.EndShutdown)
	require.Len(t, *ends, 20)
	require.Zero(t, table.Live())
	_, fresh := see(table, udpKey(3), 0, second)
	require.True(t, fresh)
}

// TestTableLikeMap drives a small table and a map with the same random packets: they must agree on what is a new flow, and
// every record must end exactly once.
func TestTableLikeMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		live := map[decap.Key]int64{} // last packet
		table := New(0, func(r *Record, why event.EndReason, _ int64) {
			last, ok := live[r.Key]
			if !ok || last != r.End {
				t.Fatalf("ended %v, which is not live", r.Key)
			}
			if why == event.EndForced {
				for k, other := range live {
					if other < last-second {
						t.Fatalf("evicted a flow active at %d although %v was last active at %d", last, k, other)
					}
				}
			}
			delete(live, r.Key)
		})
		now := second
		for range rapid.IntRange(1, 300).Draw(t, "packets") {
			now += rapid.Int64Range(0, 2*second).Draw(t, "pause")
			k := udpKey(rapid.IntRange(0, 100).Draw(t, "flow"))
			last, known := live[k]
			known = known && now-last <= 30*second
			_, fresh := table.Get(&k, Hash(&k), now)
			if fresh == known {
				t.Fatalf("fresh = %v for a flow of which known = %v", fresh, known)
			}
			live[k] = now
			see(table, k, 0, now)
			if rapid.Bool().Draw(t, "age") {
				table.Age(now, -1)
			}
			if table.Live() != len(live) {
				t.Fatalf("%d flows live, want %d", table.Live(), len(live))
			}
		}
		table.Flush(event.EndShutdown)
		if len(live) != 0 {
			t.Fatalf("%d flows never ended", len(live))
		}
	})
}

func TestOpenedBy(t *testing.T) {
	var r Record
	r.OpenedBy(1, event.ByFirstPacket)
	require.EqualValues(t, 1, r.Client())
	r.Packets[1] = 1
	r.OpenedBy(0, event.ByFirstPacket)
	require.EqualValues(t, 1, r.Client(), "the same evidence changes nothing")
	r.OpenedBy(0, event.BySYN)
	require.EqualValues(t, 0, r.Client())
	r.OpenedBy(1, event.ByRequest)
	require.EqualValues(t, 0, r.Client(), "weaker evidence changes nothing")
}

func TestNoAllocations(t *testing.T) {
	table, _ := recorder(1 << 20)
	k := udpKey(1)
	hash := Hash(&k)
	p := &decap.Packet{Proto: decap.TCP, HasTCP: true, TCPFlags: decap.ACK, PayloadLen: 100}
	now := second
	require.Zero(t, testing.AllocsPerRun(1000, func() {
		now += second / 4
		r, _ := table.Get(&k, hash, now)
		r.Count(0, p, 1, 140, now)
		p.Seq += 100
		r.Segment(0, p, nil)
		table.Active(r)
		table.Age(now, -1)
	}))
}

func TestNames(t *testing.T) {
	n := NewNames(64 * 32)
	rapid.Check(t, func(t *rapid.T) {
		kept := map[uint32]string{}
		for range rapid.IntRange(0, 100).Draw(t, "steps") {
			text := rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "text")
			if ref := n.Put(text); ref != 0 {
				kept[ref] = string(text[:min(len(text), 255)])
			}
			for ref, want := range kept {
				if got := string(n.Append(nil, ref)); got != want {
					t.Fatalf("name %d is %q, want %q", ref, got, want)
				}
				if rapid.Bool().Draw(t, "free") {
					n.Free(ref)
					delete(kept, ref)
				}
			}
		}
		for ref := range kept {
			n.Free(ref)
		}
	})
	var refs []uint32
	for ref := n.Put(make([]byte, 27)); ref != 0; ref = n.Put(make([]byte, 27)) {
		refs = append(refs, ref)
	}
	require.Len(t, refs, 64, "all memory came back")
}

func TestRecordTakesThreeCacheLines(t *testing.T) {
	require.LessOrEqual(t, unsafe.Sizeof(Record{}), uintptr(192))
}

// TestOwnSide: what is known of one thing changes nothing else.
func TestOwnSide(t *testing.T) {
	for client := range Side(2) {
		for own := range Side(2) {
			var r Record
			r.bits = bitTruncated | bitSeq1
			_, known := r.Own()
			require.False(t, known)
			r.OpenedBy(client, event.BySYN)
			r.OwnedBy(1 - own)
			r.OwnedBy(own)
			side, known := r.Own()
			require.True(t, known)
			require.Equal(t, own, side)
			require.Equal(t, client, r.Client())
			require.True(t, r.Truncated() && r.seqKnown(1) && !r.seqKnown(0))
		}
	}
}
