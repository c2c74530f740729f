package frag

import (
	"net/netip"
	"slices"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/mirrorsink/mirrorsink/decap"
)

// fragment makes a fragment of a packet with a payload.
func fragment(version uint8, id uint32, payload []byte, from, to int) *decap.Packet {
	header := 20
	if version == 6 {
		header = 48
	}
	return &decap.Packet{
		Version: version, Proto: decap.UDP, FragID: id, IPLen: header + to - from,
		Src: decap.Addr{15: 1}, Dst: decap.Addr{15: 2}, Outer: netip.MustParseAddrPort("10.0.0.1:65408"),
		FragOff: uint16(from), MoreFrags: to < len(payload), Payload: payload[from:to], PayloadLen: to - from,
	}
}

// text is n bytes that depend on their place in the text.
func text(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i ^ i>>8*7)
	}
	return b
}

// ledger collects the incomplete packets that a table reports.
type ledger []Datagram

func (l *ledger) add(x *Datagram) {
	kept := *x
	kept.Payload = slices.Clone(x.Payload)
	*l = append(*l, kept)
}

func newTable(bytes int) (*Table, *ledger) {
	l := new(ledger)
	return New(bytes, l.add), l
}

// TestAnyOrderAnySplit: packets that are split anywhere, with fragments repeated and shuffled, come out once.
func TestAnyOrderAnySplit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		version := rapid.SampledFrom([]uint8{4, 6}).Draw(t, "version")
		payload := text(rapid.IntRange(9, 20000).Draw(t, "length"))
		cuts := rapid.SliceOfNDistinct(rapid.IntRange(1, (len(payload)-1)/8), 1, min(20, (len(payload)-1)/8), rapid.ID).Draw(t, "cuts")
		isCut := make(map[int]bool)
		for _, c := range cuts {
			isCut[c*8] = true
		}
		var fragments []*decap.Packet
		from := 0
		for to := 1; to <= len(payload); to++ {
			if isCut[to] || to == len(payload) {
				fragments = append(fragments, fragment(version, 7, payload, from, to))
				from = to
			}
		}
		fragments = rapid.Permutation(fragments).Draw(t, "order")
		table, incomplete := newTable(0)
		var bytes uint64
		for i, p := range fragments {
			bytes += uint64(p.IPLen)
			got := table.Add(p, int64(i))
			if i < len(fragments)-1 {
				require.Nil(t, got)
				require.Nil(t, table.Add(p, int64(i)), "a duplicate")
				continue
			}
			require.NotNil(t, got)
			assert.Equal(t, payload, got.Payload)
			assert.Equal(t, Datagram{
				Packet: got.Packet, Payload: got.Payload, Led: true, Packets: len(fragments), Bytes: bytes, Last: int64(i),
			}, *got)
			assert.Equal(t, int(bytes), got.Packet.IPLen)
			assert.Zero(t, got.Packet.FragOff, "the template is the first fragment")
			assert.Nil(t, got.Packet.Payload)
		}
		for i, p := range fragments {
			require.Nil(t, table.Add(p, int64(i)), "a duplicate of a packet that was reported")
		}
		assert.EqualValues(t, 2*len(fragments)-1, table.Duplicates())
		table.Flush()
		assert.Empty(t, *incomplete)
		assertEmpty(t, table)
	})
}

// assertEmpty checks that a table gave everything back.
func assertEmpty(t assert.TestingT, table *Table) {
	assert.Empty(t, table.index)
	assert.Equal(t, len(table.store.chunks), table.store.left)
	free := 0
	for i := table.free; i != none; i = table.slots[i].next {
		free++
	}
	assert.Equal(t, len(table.slots), free)
}

// TestNothingIsUnaccounted throws fragments of few packets, overlapping and contradicting each other, at a small table:
// each comes back, in a reassembled packet or in an incomplete one, and the memory does too.
func TestNothingIsUnaccounted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		table, incomplete := newTable(0)
		var packets, packetsOut int
		var bytes, bytesOut uint64
		nanos := int64(0)
		for range rapid.IntRange(1, 300).Draw(t, "n") {
			payload := text(rapid.SampledFrom([]int{64, 3000, 65515, 66000}).Draw(t, "payload"))
			from := 8 * rapid.IntRange(0, min(len(payload)-1, 65535)/8).Draw(t, "from")
			to := min(len(payload), from+8*rapid.IntRange(0, 300).Draw(t, "size"))
			p := fragment(rapid.SampledFrom([]uint8{4, 6}).Draw(t, "version"), rapid.Uint32Range(0, 80).Draw(t, "id"), payload, from, to)
			packets++
			bytes += uint64(p.IPLen)
			nanos += rapid.Int64Range(0, int64(2*time.Second)).Draw(t, "later")
			table.Expire(nanos)
			if w := table.Add(p, nanos); w != nil {
				packetsOut += w.Packets
				bytesOut += w.Bytes
			}
		}
		table.Flush()
		for _, l := range *incomplete {
			packetsOut += l.Packets
			bytesOut += l.Bytes
			assert.LessOrEqual(t, l.First, l.Last)
		}
		assert.Equal(t, packets, packetsOut+int(table.Duplicates()))
		assert.GreaterOrEqual(t, bytes, bytesOut)
		assert.Equal(t, table.Duplicates() == 0, bytes == bytesOut)
		assertEmpty(t, table)
	})
}

// TestOverlapIPv4: fragments that overlap and agree are put together. If they contradict each other, receivers differ in what they read;
// most drop the packet.
func TestOverlapIPv4(t *testing.T) {
	payload := text(40)
	for name, c := range map[string]struct {
		second []byte
		agree  bool
	}{
		"agree":      {payload, true},
		"contradict": {make([]byte, 40), false},
	} {
		table, incomplete := newTable(0)
		require.Nil(t, table.Add(fragment(4, 1, payload, 8, 24), 1))
		require.Nil(t, table.Add(fragment(4, 1, c.second, 0, 16), 2))
		got := table.Add(fragment(4, 1, payload, 16, 40), 3)
		require.Equal(t, c.agree, got != nil, name)
		if c.agree {
			assert.Equal(t, payload, got.Payload)
			assert.Empty(t, *incomplete)
			continue
		}
		assert.Equal(t, len(table.store.chunks), table.store.left, "a spoiled packet holds no memory")
		table.Expire(2 + int64(Wait))
		require.Len(t, *incomplete, 1)
		assert.Equal(t, Overlap, (*incomplete)[0].Reason)
		assert.Empty(t, (*incomplete)[0].Payload)
		assert.Equal(t, 3, (*incomplete)[0].Packets)
	}
}

// TestOverlapIPv6 follows RFC 5722 section 4: the packet is discarded with the fragments that are yet to come.
func TestOverlapIPv6(t *testing.T) {
	payload := text(64)
	table, incomplete := newTable(0)
	require.Nil(t, table.Add(fragment(6, 1, payload, 0, 32), 1))
	require.Nil(t, table.Add(fragment(6, 1, payload, 24, 48), 2))
	table.Expire(1 + int64(Wait))
	require.Nil(t, table.Add(fragment(6, 1, payload, 32, 64), 3+int64(Wait)))
	table.Flush()
	require.Len(t, *incomplete, 2)
	for i, n := range []int{2, 1} {
		assert.Equal(t, Overlap, (*incomplete)[i].Reason)
		assert.Equal(t, n, (*incomplete)[i].Packets)
		assert.Empty(t, (*incomplete)[i].Payload)
		assert.True(t, (*incomplete)[i].Led, "its flow is known by the ports")
	}
	assertEmpty(t, table)
}

func TestContradictingEnds(t *testing.T) {
	for _, version := range []uint8{4, 6} {
		table, incomplete := newTable(0)
		require.Nil(t, table.Add(fragment(version, 1, text(64), 32, 64), 1))
		require.Nil(t, table.Add(fragment(version, 1, text(96), 64, 96), 2))
		require.Nil(t, table.Add(fragment(version, 1, text(64), 0, 32), 3))
		table.Flush()
		require.Len(t, *incomplete, 1)
		assert.Equal(t, Overlap, (*incomplete)[0].Reason)
	}
}

// TestMalformed has the fragments that never can be part of a packet: they spoil it.
func TestMalformed(t *testing.T) {
	for name, p := range map[string]*decap.Packet{
		"empty":           fragment(4, 1, text(64), 32, 32),
		"odd length":      fragment(6, 1, text(64), 0, 31),
		"too large, IPv4": fragment(4, 1, text(65520), 65512, 65520),
		"too large, IPv6": fragment(6, 1, text(65536), 65528, 65536),
	} {
		t.Run(name, func(t *testing.T) {
			table, incomplete := newTable(0)
			require.Nil(t, table.Add(fragment(p.Version, 1, text(64), 0, 32), 4))
			require.Nil(t, table.Add(p, 5))
			table.Flush()
			require.Len(t, *incomplete, 1)
			want := fragment(p.Version, 1, text(64), 0, 32).Detached()
			want.IPLen += p.IPLen
			assert.Equal(t, Datagram{
				Packet: want, Payload: []byte{}, Led: true, Packets: 2, Bytes: uint64(want.IPLen), First: 4, Last: 5, Reason: Malformed,
			}, (*incomplete)[0])
			assertEmpty(t, table)
		})
	}
}

// TestCut: a packet whose copies were cut is reported with its beginning when all of its fragments came.
func TestCut(t *testing.T) {
	payload := text(96)
	cut := func(from, to, held int) *decap.Packet {
		p := fragment(4, 1, payload, from, to)
		p.Payload, p.Truncated = p.Payload[:held], true
		return p
	}
	for name, c := range map[string]struct {
		fragments []*decap.Packet
		held      int
	}{
		"all":    {[]*decap.Packet{cut(0, 32, 20), cut(32, 64, 20), cut(64, 96, 20)}, 20},
		"second": {[]*decap.Packet{fragment(4, 1, payload, 0, 32), cut(32, 64, 20), fragment(4, 1, payload, 64, 96)}, 52},
		"order":  {[]*decap.Packet{cut(64, 96, 20), cut(32, 64, 20), cut(0, 32, 20)}, 20},
	} {
		table, incomplete := newTable(0)
		for i, p := range c.fragments {
			for range 2 {
				require.Nil(t, table.Add(p, int64(i)), name)
			}
		}
		require.Len(t, *incomplete, 1, name)
		got := (*incomplete)[0]
		assert.Equal(t, Truncated, got.Reason)
		assert.Equal(t, 3, got.Packets)
		assert.True(t, got.Cut && got.Led)
		assert.Equal(t, payload[:c.held], got.Payload)
		assert.Equal(t, len(payload)-c.held, got.Missing)
		assert.EqualValues(t, 3, table.Duplicates())
	}
}

// TestFirstAlone: the beginning of a packet is reported when the rest does not come, and once.
func TestFirstAlone(t *testing.T) {
	for _, version := range []uint8{4, 6} {
		payload := text(96)
		table, incomplete := newTable(0)
		require.Nil(t, table.Add(fragment(version, 1, payload, 32, 64), 1))
		require.Nil(t, table.Add(fragment(version, 1, payload, 0, 32), 2))
		require.False(t, table.Due(1+int64(Wait)))
		require.True(t, table.Due(2+int64(Wait)))
		table.Expire(2 + int64(Wait))
		require.Len(t, *incomplete, 1)
		assert.Equal(t, Alone, (*incomplete)[0].Reason)
		assert.Equal(t, payload[:64], (*incomplete)[0].Payload)
		for range 2 {
			require.Nil(t, table.Add(fragment(version, 1, payload, 64, 96), 3+int64(Wait)))
			require.Nil(t, table.Add(fragment(version, 1, payload, 0, 32), 3+int64(Wait)))
		}
		table.Flush()
		require.Len(t, *incomplete, 2)
		late := (*incomplete)[1]
		assert.Equal(t, Late, late.Reason)
		assert.False(t, late.Reason.Readable())
		assert.Equal(t, 1, late.Packets)
		assert.True(t, late.Led)
		assert.EqualValues(t, 3, table.Duplicates())
	}
}

// TestIdentificationIsUsedAgain: another packet with the identification of one that was reported is not taken for its copy.
func TestIdentificationIsUsedAgain(t *testing.T) {
	table, incomplete := newTable(0)
	for n := range 3 {
		payload := text(64)
		payload[0], payload[63] = byte(n), byte(n)
		require.Nil(t, table.Add(fragment(4, 1, payload, 0, 32), int64(n)))
		got := table.Add(fragment(4, 1, payload, 32, 64), int64(n))
		require.NotNil(t, got)
		assert.Equal(t, payload, got.Payload)
	}
	assert.Empty(t, *incomplete)
	assert.Zero(t, table.Duplicates())
}

// TestTooManyFragments has more holes than an honest packet.
func TestTooManyFragments(t *testing.T) {
	payload := text(65000)
	table, incomplete := newTable(4 << 20)
	for from := 0; from < 4096; from += 16 {
		require.Nil(t, table.Add(fragment(4, 1, payload, from, from+8), int64(from)))
	}
	assert.Equal(t, len(table.store.chunks), table.store.left)
	table.Flush()
	require.Len(t, *incomplete, 1)
	assert.Equal(t, TooMany, (*incomplete)[0].Reason)
	assert.Equal(t, 256, (*incomplete)[0].Packets)
}

// TestSmallFragments: fragments of eight bytes take one chunk together.
func TestSmallFragments(t *testing.T) {
	payload := text(4000)
	table, _ := newTable(0)
	for from := 0; from < len(payload); from += 8 {
		got := table.Add(fragment(4, 1, payload, from, from+8), int64(from))
		require.Equal(t, from == len(payload)-8, got != nil)
		if got != nil {
			require.Equal(t, payload, got.Payload)
		}
	}
}

func TestLargestPackets(t *testing.T) {
	for version, size := range map[uint8]int{4: 65515, 6: 65535} {
		payload := text(size)
		table, incomplete := newTable(0)
		require.Nil(t, table.Add(fragment(version, 1, payload, 65512, size), 1))
		got := table.Add(fragment(version, 1, payload, 0, 65512), 2)
		require.NotNil(t, got, "IPv%d", version)
		assert.Equal(t, payload, got.Payload)
		assert.Empty(t, *incomplete)
	}
}

func TestExpire(t *testing.T) {
	table, incomplete := newTable(0)
	table.Add(fragment(6, 1, text(64), 32, 64), 0)
	table.Add(fragment(4, 1, text(128), 32, 64), 1)
	table.Add(fragment(4, 1, text(128), 64, 96), int64(time.Second))
	table.Expire(int64(TimeoutIPv4))
	require.Empty(t, *incomplete)
	table.Expire(1 + int64(TimeoutIPv4))
	require.Len(t, *incomplete, 1)
	want := fragment(4, 1, text(128), 32, 64).Detached()
	want.IPLen = 2 * 52
	assert.Equal(t, Datagram{
		Packet: want, Payload: []byte{}, Packets: 2, Bytes: 2 * 52, First: 1, Last: int64(time.Second), Reason: Expired,
	}, (*incomplete)[0])
	table.Expire(int64(TimeoutIPv6))
	require.Len(t, *incomplete, 2)
	assert.Equal(t, Expired, (*incomplete)[1].Reason)
	assertEmpty(t, table)
}

// TestTimesGoBack: the first time of a packet is not after its last one, though its fragments have times in another order.
func TestTimesGoBack(t *testing.T) {
	table, incomplete := newTable(0)
	require.Nil(t, table.Add(fragment(4, 1, text(64), 0, 32), 7))
	whole := table.Add(fragment(4, 1, text(64), 32, 64), 3)
	require.NotNil(t, whole)
	assert.Equal(t, [2]int64{3, 7}, [2]int64{whole.First, whole.Last})
	table.Add(fragment(4, 2, text(96), 0, 32), 9)
	table.Add(fragment(4, 2, text(96), 32, 64), 5)
	table.Flush()
	require.Len(t, *incomplete, 1)
	assert.Equal(t, [2]int64{5, 9}, [2]int64{(*incomplete)[0].First, (*incomplete)[0].Last})
}

// TestEvictsOldest fills the smallest table with packets that each hold one chunk. Those that were reported are forgotten before.
func TestEvictsOldest(t *testing.T) {
	table, incomplete := newTable(0)
	require.Nil(t, table.Add(fragment(4, 1000, text(16), 0, 8), 0))
	require.NotNil(t, table.Add(fragment(4, 1000, text(16), 8, 16), 0))
	for id := range uint32(minChunks + 2) {
		version := uint8(4 + id%2*2)
		require.Nil(t, table.Add(fragment(version, id, text(64), int(id%3)*8, 32), int64(id)))
	}
	require.Len(t, *incomplete, 2)
	for i, l := range *incomplete {
		assert.Equal(t, Evicted, l.Reason)
		assert.EqualValues(t, i, l.Packet.FragID)
		assert.Equal(t, i == 0, l.Led)
		assert.Equal(t, i == 0, len(l.Payload) == 32, "the beginning is read")
	}
}

// TestApart has fragments that differ in one part of the key each, and so never meet.
func TestApart(t *testing.T) {
	payload := text(64)
	for name, change := range map[string]func(p *decap.Packet){
		"identification": func(p *decap.Packet) { p.FragID++ },
		"protocol":       func(p *decap.Packet) { p.Proto++ },
		"VNI":            func(p *decap.Packet) { p.VNI++ },
		"tunnel":         func(p *decap.Packet) { p.Tunnel++ },
		"source":         func(p *decap.Packet) { p.Src[15]++ },
		"destination":    func(p *decap.Packet) { p.Dst[15]++ },
		"mirror":         func(p *decap.Packet) { p.Outer = netip.MustParseAddrPort("10.0.0.2:65408") },
	} {
		t.Run(name, func(t *testing.T) {
			table, _ := newTable(0)
			second := fragment(4, 1, payload, 32, 64)
			change(second)
			require.Nil(t, table.Add(fragment(4, 1, payload, 0, 32), 1))
			require.Nil(t, table.Add(second, 2))
		})
	}
	table, _ := newTable(0)
	second := fragment(4, 1, payload, 32, 64)
	second.Outer = netip.MustParseAddrPort("10.0.0.1:65500")
	require.Nil(t, table.Add(fragment(4, 1, payload, 0, 32), 1))
	require.NotNil(t, table.Add(second, 2), "the outer port is no part of the key")
}

// TestBound checks the figures that the memory bound is computed from, and that a table allocates nothing later.
func TestBound(t *testing.T) {
	require.LessOrEqual(t, int(unsafe.Sizeof(slot{})), 448)
	require.LessOrEqual(t, int(unsafe.Sizeof(chunk{})), 16)
	require.LessOrEqual(t, int(unsafe.Sizeof(key{})+unsafe.Sizeof(int32(0))), 80)
	table := New(1<<20, func(*Datagram) {})
	require.LessOrEqual(t, len(table.slots)*perChunk+len(table.buf), 1<<20)
	payload := text(4000)
	fragments := []*decap.Packet{fragment(4, 0, payload, 0, 1480), fragment(4, 0, payload, 1480, 2960), fragment(4, 0, payload, 2960, 4000)}
	id := uint32(0)
	allocs := testing.AllocsPerRun(2000, func() {
		for i, p := range fragments {
			p.FragID = id
			if id%3 == 0 && i == 1 {
				continue // some stay incomplete, and are evicted in the end
			}
			table.Add(p, int64(id))
		}
		id++
	})
	assert.Zero(t, allocs)
}

func BenchmarkAdd(b *testing.B) {
	payload := text(4000)
	table := New(1<<20, func(*Datagram) {})
	fragments := []*decap.Packet{fragment(4, 0, payload, 0, 1480), fragment(4, 0, payload, 1480, 2960), fragment(4, 0, payload, 2960, 4000)}
	b.ReportAllocs()
	for id := uint32(0); b.Loop(); id++ {
		for _, p := range fragments {
			p.FragID = id
			table.Add(p, int64(id))
		}
	}
}
