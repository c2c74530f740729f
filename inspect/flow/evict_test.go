package flow

import (
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/testdata/testform"
)

// tcpKey returns the n-th of many different keys, whose Lo is the client.
func tcpKey(n int) decap.Key {
	k := udpKey(n)
	k.Proto = decap.TCP
	return k
}

// seeTCP accounts a segment of a side, as the worker does.
func seeTCP(t *Table, k decap.Key, s Side, flags uint8, nanos int64) (*Record, bool) {
	r, fresh := t.Get(&k, Hash(&k), nanos)
	p := &decap.Packet{Proto: decap.TCP, HasTCP: true, TCPFlags: flags}
	r.Count(s, p, 1, 40, nanos)
	r.Segment(s, p, nil)
	t.Active(r)
	return r, fresh
}

// connect opens a connection.
func connect(t *Table, k decap.Key, nanos int64) *Record {
	seeTCP(t, k, 0, decap.SYN, nanos)
	seeTCP(t, k, 1, decap.SYN|decap.ACK, nanos)
	r, _ := seeTCP(t, k, 0, decap.ACK, nanos)
	return r
}

// floods are what anybody can send from invented addresses: the n-th flow of each.
var floods = map[string]func(t *Table, n int, nanos int64){
	"syn": func(t *Table, n int, nanos int64) { seeTCP(t, tcpKey(n), 0, decap.SYN, nanos) },
	"syn, answered": func(t *Table, n int, nanos int64) {
		seeTCP(t, tcpKey(n), 0, decap.SYN, nanos)
		seeTCP(t, tcpKey(n), 1, decap.SYN|decap.ACK, nanos)
	},
	"syn, refused": func(t *Table, n int, nanos int64) {
		seeTCP(t, tcpKey(n), 0, decap.SYN, nanos)
		seeTCP(t, tcpKey(n), 1, decap.RST|decap.ACK, nanos)
	},
	"ack": func(t *Table, n int, nanos int64) { seeTCP(t, tcpKey(n), 0, decap.ACK, nanos) },
	"fin": func(t *Table, n int, nanos int64) { seeTCP(t, tcpKey(n), 0, decap.FIN|decap.ACK, nanos) },
	"udp": func(t *Table, n int, nanos int64) { see(t, udpKey(n), 0, nanos) },
}

// TestFloodTakesNoConversation: established connections with packets every two seconds keep their state through a flood of ten
// times as many flows as the table has places, in less time than any flow's timeout, and so do answered flows of UDP. New
// conversations can still begin. Every flow that began has ended once or is live.
func TestFloodTakesNoConversation(t *testing.T) {
	for name, flood := range floods {
		t.Run(name, func(t *testing.T) {
			ended := map[event.EndReason]int{}
			table := New(testform.Pick(1<<20, 4<<20), func(_ *Record, why event.EndReason, _ int64) { ended[why]++ })
			size := len(table.records) - 1
			conns, began := size/2, 0
			for n := range conns {
				connect(table, tcpKey(-n-1), second)
				see(table, udpKey(-n-1), 0, second)
				began += 2
				if n >= size/4 {
					break
				}
			}
			conns = began / 2
			for n := range conns {
				see(table, udpKey(-n-1), 1, second)
			}
			attack := 10 * size
			for n := range attack {
				now := second + int64(n)*20*second/int64(attack)
				flood(table, n, now)
				began++
				turn := attack / 10 / conns // ten rounds of packets
				if n%turn != 0 {
					continue
				}
				conn := n / turn % conns
				r, fresh := seeTCP(table, tcpKey(-conn-1), Side(n/turn&1), decap.ACK, now)
				require.False(t, fresh, "connection %d lost its state after %d flows", conn, n)
				require.Equal(t, event.TCPEstablished, r.TCPState)
				_, fresh = see(table, udpKey(-conn-1), 0, now)
				require.False(t, fresh)
				require.NotNil(t, connect(table, tcpKey(-size-n), now))
				began++
				r, fresh = seeTCP(table, tcpKey(-size-n), 1, decap.ACK, now)
				require.False(t, fresh)
				require.True(t, r.BothSides())
				seeTCP(table, tcpKey(-size-n), 0, decap.RST, now)
			}
			require.LessOrEqual(t, table.Live(), size)
			require.Equal(t, began, ended[event.EndForced]+ended[event.EndTimeout]+table.Live())
			require.Greater(t, ended[event.EndForced], 8*size)
			table.Flush(event.EndShutdown)
			require.Equal(t, began, ended[event.EndForced]+ended[event.EndTimeout]+ended[event.EndShutdown])
		})
	}
}

// TestBeginsInFullTable: where long conversations fill the table, there is still room for the first packets of others.
func TestBeginsInFullTable(t *testing.T) {
	table, ends := recorder(1 << 20)
	size := len(table.records) - 1
	for n := range size {
		connect(table, tcpKey(n), int64(n)*second/100)
	}
	const together = 100
	now := int64(size) * second / 100
	for n := range together {
		seeTCP(table, tcpKey(size+n), 0, decap.SYN, now)
	}
	for n := range together {
		_, fresh := seeTCP(table, tcpKey(size+n), 1, decap.SYN|decap.ACK, now)
		require.False(t, fresh)
	}
	require.Len(t, *ends, together)
	for n, e := range *ends {
		require.Equal(t, end{tcpKey(n), event.EndForced, int64(n) * second / 100}, e, "the least recently active ones go")
	}
}

// TestEvictedTooLate: what should have ended before it is evicted ends as it would have.
func TestEvictedTooLate(t *testing.T) {
	table, ends := recorder(0)
	for n := range 64 {
		see(table, udpKey(n), 0, second)
	}
	see(table, udpKey(64), 0, 40*second)
	require.Equal(t, []end{{udpKey(0), event.EndTimeout, 31 * second}}, *ends)
}

func TestAgeEndsAsManyAsAsked(t *testing.T) {
	table, ends := recorder(64 << 10)
	for n := range 10 {
		see(table, udpKey(n), 0, second)
	}
	table.Age(60*second, 4)
	require.Len(t, *ends, 4)
	table.Age(60*second, 4)
	table.Age(60*second, 4)
	require.Len(t, *ends, 10)
}

// TestTableInvariants drives a small table with random packets of random flows, of which some wait, and holds after each that every live
// record is in the list of its class, in order, and is found; and that every flow that began is live or has ended once.
func TestTableInvariants(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		began, ended := 0, 0
		table := New(0, func(*Record, event.EndReason, int64) { ended++ })
		now, clock, ticks := second, second, rapid.Bool().Draw(t, "ticks")
		flags := rapid.SampledFrom([]uint8{decap.SYN, decap.SYN | decap.ACK, decap.ACK, decap.FIN | decap.ACK, decap.RST})
		for range rapid.IntRange(1, 200).Draw(t, "packets") {
			now += rapid.Int64Range(-second, 3*second).Draw(t, "pause")
			if clock = max(clock, now); ticks {
				table.Tick(clock)
			}
			n, s := rapid.IntRange(0, 150).Draw(t, "flow"), Side(rapid.IntRange(0, 1).Draw(t, "side"))
			var fresh bool
			if n%3 == 0 {
				_, fresh = see(table, udpKey(n), s, now)
			} else {
				_, fresh = seeTCP(table, tcpKey(n), s, flags.Draw(t, "flags"), now)
			}
			if fresh {
				began++
			}
			if late := tcpKey(3*n + 1); rapid.Bool().Draw(t, "a segment that has waited is taken") {
				if _, rec := table.find(&late, Hash(&late)); rec != 0 {
					table.records[rec].Segment(s, &decap.Packet{Proto: decap.TCP, HasTCP: true, TCPFlags: flags.Draw(t, "its flags")}, table.Gaps())
					table.Reclassify(&table.records[rec])
				}
			}
			if rapid.Bool().Draw(t, "age") {
				table.Age(now, rapid.IntRange(-1, 5).Draw(t, "most"))
			}
			checkTable(t, table)
			if began != ended+table.Live() {
				t.Fatalf("%d flows began, %d ended and %d live", began, ended, table.Live())
			}
		}
	})
}

func checkTable(t *rapid.T, table *Table) {
	listed := map[uint32]bool{}
	for c := range table.classes {
		checkList(t, table, class(c), listed)
	}
	free := 0
	for rec := table.free; rec != 0; rec = table.records[rec].list.next {
		if listed[rec] {
			t.Fatalf("record %d is free and live", rec)
		}
		free++
	}
	if len(listed) != table.Live() || free+table.Live() != int(table.used) {
		t.Fatalf("%d records listed, %d live, %d free, %d used", len(listed), table.Live(), free, table.used)
	}
	indexed := 0
	for _, s := range table.index {
		if s.rec != 0 {
			indexed++
		}
	}
	if indexed != table.Live() {
		t.Fatalf("%d entries in the index, %d live", indexed, table.Live())
	}
}

// checkList adds the records of a list to listed.
func checkList(t *rapid.T, table *Table, c class, listed map[uint32]bool) {
	l, before, n := table.classes[c], uint32(0), 0
	for rec := l.head; rec != 0; rec = table.records[rec].list.next {
		r := &table.records[rec]
		if listed[rec] || r.class() != c || r.due() != c || r.list.prev != before {
			t.Fatalf("record %d is in list %d, listed before: %v; its class is %d, should be %d", rec, c, listed[rec], r.class(), r.due())
		}
		if before != 0 && int32(r.list.stamp-table.records[before].list.stamp) < 0 {
			t.Fatalf("list %d is not in order", c)
		}
		if _, found := table.find(&r.Key, Hash(&r.Key)); found != rec {
			t.Fatalf("record %d is not found by its key", rec)
		}
		listed[rec], before = true, rec
		n++
	}
	if n != l.n || l.tail != before {
		t.Fatalf("list %d has %d records and counts %d", c, n, l.n)
	}
}

// BenchmarkFlood is the cost of a flow of a flood in a full table, its eviction included.
func BenchmarkFlood(b *testing.B) {
	table := New(256<<20, func(*Record, event.EndReason, int64) {})
	k := tcpKey(0)
	n := uint64(0)
	flood := func() {
		n++
		binary.BigEndian.PutUint64(k.Hi[8:], n*0x9e3779b97f4a7c15)
		seeTCP(table, k, 0, decap.SYN, second+int64(n)*1000)
	}
	for range len(table.records) {
		flood()
	}
	for b.Loop() {
		flood()
	}
}
