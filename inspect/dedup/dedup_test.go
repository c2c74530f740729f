package dedup

import (
	"net/netip"
	"reflect"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/event"
)

const second = int64(Span)

// addr returns the address 10.0.0.n.
func addr(n byte) decap.Addr { return netip.AddrFrom4([4]byte{10, 0, 0, n}).As16() }

// packet returns a TCP segment from 10.0.0.1 to 10.0.0.2.
func packet(seq uint32) *decap.Packet {
	return &decap.Packet{
		Mirrored: true, Version: 4, Proto: decap.TCP, TTL: 64, Src: addr(1), Dst: addr(2), SrcPort: 40000, DstPort: 443,
		HasPorts: true, HasTCP: true, Seq: seq, Ack: 7, TCPFlags: decap.ACK, Payload: []byte("0123456789abcdefgh"), PayloadLen: 1448,
	}
}

// window returns a window that knows that 10.0.0.1 and 10.0.0.2 are mirrored.
func window(bytes int, unmatched func(Copy)) *Window {
	w := New(bytes, unmatched)
	for _, a := range []decap.Addr{addr(1), addr(2)} {
		w.mirrored.add(&a)
	}
	return w
}

func mustMatch(Copy) { panic("a copy has no partner") }

// TestPair has copies of which routers changed what they change.
func TestPair(t *testing.T) {
	w := window(0, mustMatch)
	sent := Copy{Session: 1, Flow: 11, Direction: event.Egress, Nanos: 5}
	_, ok := w.Add(packet(1), sent)
	assert.False(t, ok)
	late := packet(1)
	late.TTL, late.VLANs, late.BadChecksum = 60, [3]uint16{7}, true
	late.Frame, late.VNI, late.Outer = []byte("another MAC address"), 99, netip.MustParseAddrPort("10.0.0.2:1")
	other, ok := w.Add(late, Copy{Session: 2, Flow: 22, Direction: event.Ingress, Nanos: second})
	assert.True(t, ok)
	assert.Equal(t, sent, other)
	_, ok = w.Add(late, Copy{Session: 2, Direction: event.Ingress, Nanos: second})
	assert.False(t, ok, "the pair is complete")
	assert.Equal(t, Counts{Pairs: 1}, w.Counts())
}

// TestIngressFirst: a load balancer may hand the copies over in any order.
func TestIngressFirst(t *testing.T) {
	w := window(0, mustMatch)
	w.Add(packet(1), Copy{Session: 2, Direction: event.Ingress, Nanos: 9})
	other, ok := w.Add(packet(1), Copy{Session: 1, Direction: event.Egress, Nanos: 5})
	assert.True(t, ok)
	assert.Equal(t, Copy{Session: 2, Direction: event.Ingress, Nanos: 9}, other)
}

// TestIdentity changes one thing of a packet at a time: then it is another one.
func TestIdentity(t *testing.T) {
	w := window(0, mustMatch)
	icmp := &decap.Packet{Proto: decap.ICMP, Src: addr(1), Dst: addr(2)}
	for name, c := range map[string]struct {
		p      *decap.Packet
		change func(p *decap.Packet)
	}{
		"source":        {packet(1), func(p *decap.Packet) { p.Src = addr(3) }},
		"destination":   {packet(1), func(p *decap.Packet) { p.Dst = addr(3) }},
		"source port":   {packet(1), func(p *decap.Packet) { p.SrcPort++ }},
		"port":          {packet(1), func(p *decap.Packet) { p.DstPort++ }},
		"ports swapped": {packet(1), func(p *decap.Packet) { p.SrcPort, p.DstPort = p.DstPort, p.SrcPort }},
		"protocol":      {packet(1), func(p *decap.Packet) { p.Proto = decap.UDP }},
		"sequence":      {packet(1), func(p *decap.Packet) { p.Seq++ }},
		"acknowledged":  {packet(1), func(p *decap.Packet) { p.Ack++ }},
		"flags":         {packet(1), func(p *decap.Packet) { p.TCPFlags |= decap.FIN }},
		"length":        {packet(1), func(p *decap.Packet) { p.PayloadLen++ }},
		"tunnel":        {packet(1), func(p *decap.Packet) { p.Tunnel++ }},
		"payload":       {packet(1), func(p *decap.Packet) { p.Payload = []byte("0123456789abcdeF") }},
		"payload cut":   {packet(1), func(p *decap.Packet) { p.Payload = p.Payload[:0] }},
		"ICMP type":     {icmp, func(p *decap.Packet) { p.ICMPType = 8 }},
		"ICMP code":     {icmp, func(p *decap.Packet) { p.ICMPCode = 8 }},
		"ICMP ID":       {icmp, func(p *decap.Packet) { p.ICMPID = 8 }},
	} {
		changed := *c.p
		assert.Equal(t, w.Identity(c.p), w.Identity(&changed), name)
		c.change(&changed)
		assert.NotEqual(t, w.Identity(c.p), w.Identity(&changed), name)
	}
	long := packet(1)
	long.Payload = append([]byte(nil), long.Payload...)
	long.Payload[headBytes] = 'X'
	assert.Equal(t, w.Identity(packet(1)), w.Identity(long), "the mirrors cut at different lengths")
}

// TestUnrelated: equal packets at two sessions that both sent them, or of which one has no direction, are two networks.
func TestUnrelated(t *testing.T) {
	w := window(0, mustMatch)
	for _, c := range []Copy{{Session: 1, Direction: event.Egress}, {Session: 2, Direction: event.Egress}, {Session: 3, Direction: event.NoDirection}} {
		_, ok := w.Add(packet(1), c)
		assert.False(t, ok, "%+v", c)
	}
	for _, direction := range []event.Direction{event.Egress, event.Ingress} {
		_, ok := w.Add(packet(2), Copy{Session: 1, Direction: direction})
		assert.False(t, ok, "the same session")
	}
	assert.Zero(t, w.Counts())
}

// TestAmbiguous: two networks with the same addresses, both ends of both mirrored, and the same packet in both.
func TestAmbiguous(t *testing.T) {
	w := window(0, mustMatch)
	for session, direction := range []event.Direction{event.Egress, event.Egress, event.Ingress, event.Ingress} {
		_, ok := w.Add(packet(1), Copy{Session: uint32(session), Direction: direction})
		assert.False(t, ok)
	}
	assert.Equal(t, Counts{Ambiguous: 2}, w.Counts())
}

// TestOneEnd: copies wait only for ends that are known to be mirrored.
func TestOneEnd(t *testing.T) {
	w := New(0, mustMatch)
	w.Add(packet(1), Copy{Session: 1, Direction: event.Egress})
	w.Add(packet(2), Copy{Session: 1, Direction: event.Egress})
	_, ok := w.Add(packet(1), Copy{Session: 2, Direction: event.Ingress})
	assert.False(t, ok, "it was not known then that the other end is mirrored")
	w.Add(packet(3), Copy{Session: 1, Direction: event.Egress})
	_, ok = w.Add(packet(3), Copy{Session: 2, Direction: event.Ingress})
	assert.True(t, ok)
}

// TestMirrored: no mirrored address is forgotten, and few others are taken for one.
func TestMirrored(t *testing.T) {
	var m mirrored
	same := 0
	for i := range 20_000 {
		a := netip.AddrFrom4([4]byte{10, 7, byte(i >> 8), byte(i)}).As16()
		if i%2 == 0 {
			a = [16]byte{0x20, 1, 0xd, 0xb8, 7: byte(i >> 8), 15: byte(i)}
		}
		end := decap.Addr(a)
		if m.has(&end) {
			same++
		}
		m.add(&end)
		require.True(t, m.has(&end))
	}
	assert.Less(t, same, 20_000/5) // of a perfect hash 14 %
}

// TestUnmatched loses one copy of many: it is reported once Span is over, whether packets come or not.
func TestUnmatched(t *testing.T) {
	var unmatched []Copy
	w := window(1<<20, func(c Copy) { unmatched = append(unmatched, c) })
	for i := range 100 {
		c := Copy{Session: 1, Flow: uint32(i), Direction: event.Egress, Nanos: int64(i)}
		w.Add(packet(uint32(i)), c)
		if i != 50 {
			w.Add(packet(uint32(i)), Copy{Session: 2, Direction: event.Ingress, Nanos: int64(i)})
		}
	}
	w.Expire(second + 50)
	assert.Empty(t, unmatched)
	w.Expire(second + 51)
	assert.Equal(t, []Copy{{Session: 1, Flow: 50, Direction: event.Egress, Nanos: 50}}, unmatched)
	w.Expire(9 * second)
	assert.Equal(t, Counts{Pairs: 99, Unmatched: 1}, w.Counts())
}

// waits is a copy in the model.
type waits struct {
	seq     uint32
	copy    Copy
	matched bool
}

// model is the window in plain words: a list of copies in the order in which they came.
type model struct {
	list   []waits
	counts Counts
	now    int64
}

func (m *model) expire(nanos int64) (unmatched []Copy) {
	m.now = max(m.now, nanos)
	for len(m.list) > 0 && m.now-m.list[0].copy.Nanos > second {
		if !m.list[0].matched {
			unmatched = append(unmatched, m.list[0].copy)
		}
		m.list = m.list[1:]
	}
	m.counts.Unmatched += uint64(len(unmatched))
	return unmatched
}

func (m *model) add(seq uint32, c Copy) (Copy, bool) {
	sessions := map[uint32]bool{}
	found := -1
	for i, equal := len(m.list)-1, 0; i >= 0 && equal < maxEqual; i-- {
		x := &m.list[i]
		if x.matched || x.seq != seq {
			continue
		}
		equal++
		if x.copy.Direction != c.Direction && x.copy.Session != c.Session {
			sessions[x.copy.Session] = true
			found = max(found, i)
		}
	}
	switch len(sessions) {
	case 1:
		m.list[found].matched = true
		m.counts.Pairs++
		return m.list[found].copy, true
	case 2:
		m.counts.Ambiguous++
	}
	if len(m.list) == minCopies {
		if !m.list[0].matched {
			m.counts.Evicted++
		}
		m.list = m.list[1:]
	}
	m.list = append(m.list, waits{seq: seq, copy: c})
	return Copy{}, false
}

// TestModel holds the window against the model, with packets that are equal, late and more than it has room for, and with
// numbers that wrap around.
func TestModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var unmatched []Copy
		w, m := window(0, func(c Copy) { unmatched = append(unmatched, c) }), &model{}
		start := rapid.SampledFrom([]uint32{1, 1<<32 - 20}).Draw(t, "start")
		w.first, w.next = start, start
		packets := rapid.SampledFrom([]uint32{2, 200}).Draw(t, "packets")
		step := rapid.SampledFrom([]int64{second / 200, second / 10}).Draw(t, "step")
		nanos := int64(0)
		for i := range rapid.IntRange(1, 400).Draw(t, "copies") {
			nanos += rapid.Int64Range(-step/2, step).Draw(t, "later")
			c := Copy{Session: rapid.Uint32Range(1, 3).Draw(t, "session"), Flow: uint32(i), Nanos: nanos}
			c.Direction = rapid.SampledFrom([]event.Direction{event.Egress, event.Ingress}).Draw(t, "direction")
			seq := rapid.Uint32Range(1, packets).Draw(t, "packet")
			unmatched = nil
			wantUnmatched := m.expire(nanos)
			want, wantOK := m.add(seq, c)
			got, ok := w.Add(packet(seq), c)
			require.Equal(t, wantUnmatched, unmatched)
			require.Equal(t, want, got)
			require.Equal(t, wantOK, ok)
			require.Equal(t, m.counts, w.Counts())
		}
	})
}

// FuzzWindow gives the window copies of any packets: each is paired, unmatched, evicted or still there.
func FuzzWindow(f *testing.F) {
	f.Add([]byte("\x01\x01\x00\x01\x02\x00\x02\x01\x90"))
	f.Fuzz(func(t *testing.T, data []byte) {
		unmatched := uint64(0)
		w := window(0, func(Copy) { unmatched++ })
		added, nanos := uint64(0), int64(0)
		for ; len(data) >= 3; data = data[3:] {
			nanos += int64(int8(data[2])) * second / 100
			c := Copy{Session: uint32(data[1] >> 4), Direction: event.Direction(data[1]%2) + event.Ingress, Nanos: nanos}
			p := &decap.Packet{Proto: decap.UDP, Payload: data[:1]}
			if _, ok := w.Add(p, c); ok {
				added--
			} else {
				added++
			}
		}
		w.Expire(nanos + 400*second)
		n := w.Counts()
		require.Equal(t, unmatched, n.Unmatched)
		require.Equal(t, added, n.Unmatched+n.Evicted)
		require.Equal(t, w.first, w.next)
	})
}

// TestMemory: the window takes no more than it was granted.
func TestMemory(t *testing.T) {
	for _, size := range []int{1 << 20, 3 << 20, 5_000_000} {
		w := New(size, mustMatch)
		total := len(w.copies)*int(reflect.TypeFor[waiting]().Size()) + 4*len(w.index)
		assert.LessOrEqual(t, total, size)
		assert.Greater(t, total, size/2)
	}
}

// traffic returns a function that adds a packet at each of some ends, at a rate of 100,000 packets a second.
func traffic(w *Window, directions ...event.Direction) func() {
	p := packet(0)
	nanos := int64(0)
	return func() {
		p.Seq += 1448
		nanos += second / 100_000
		for _, direction := range directions {
			w.Add(p, Copy{Session: uint32(direction), Direction: direction, Nanos: nanos})
		}
	}
}

func drop(Copy) {}

func TestAllocatesNothing(t *testing.T) {
	assert.Zero(t, testing.AllocsPerRun(1000, traffic(window(0, drop), event.Egress, event.Ingress)))
	assert.Zero(t, testing.AllocsPerRun(1000, traffic(window(0, drop), event.Egress)))
}

// BenchmarkOneEnd measures a packet from or to a host that is not mirrored.
func BenchmarkOneEnd(b *testing.B) { benchmark(b, traffic(New(8<<20, drop), event.Egress)) }

// BenchmarkLost measures a packet whose other copy never comes.
func BenchmarkLost(b *testing.B) { benchmark(b, traffic(window(8<<20, drop), event.Egress)) }

// BenchmarkBothEnds measures a packet that is two copies.
func BenchmarkBothEnds(b *testing.B) {
	benchmark(b, traffic(window(8<<20, drop), event.Egress, event.Ingress))
}

func benchmark(b *testing.B, step func()) {
	b.ReportAllocs()
	for b.Loop() {
		step()
	}
}

// TestProvisional: a provisional copy is matched although its other end was not known to be mirrored; without a partner it is
// not reported.
func TestProvisional(t *testing.T) {
	w := New(0, mustMatch)
	_, ok := w.Add(packet(1), Copy{Session: 1, Flow: 11, Direction: event.Egress, Provisional: true, Nanos: 1})
	assert.False(t, ok)
	w.Add(packet(2), Copy{Session: 1, Flow: 11, Direction: event.Egress, Provisional: true, Nanos: 1})
	other, ok := w.Add(packet(1), Copy{Session: 2, Flow: 22, Direction: event.Ingress, Nanos: 2})
	assert.True(t, ok)
	assert.Equal(t, Copy{Session: 1, Flow: 11, Direction: event.Egress, Nanos: 1}, other)
	w.Expire(1 + second + 1)
	assert.Equal(t, Counts{Pairs: 1}, w.Counts())
	w = New(0, mustMatch)
	for seq := range uint32(minCopies) + 1 {
		w.Add(packet(seq), Copy{Session: 1, Direction: event.Egress, Provisional: true, Nanos: 1})
	}
	assert.Zero(t, w.Counts().Evicted)
}

// TestFragmentsOfAPacketAreToldApart though they begin alike.
func TestFragmentsOfAPacketAreToldApart(t *testing.T) {
	w := New(0, mustMatch)
	first, second := packet(1), packet(1)
	second.FragOff = 1448
	assert.NotEqual(t, w.Identity(first), w.Identity(second))
}
