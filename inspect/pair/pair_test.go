package pair

import (
	"net/netip"
	"reflect"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/mirrorsink/mirrorsink/decap"
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
func window(bytes int, alone func(Copy)) *Window {
	w := New(bytes, alone)
	for _, a := range []decap.Addr{addr(1), addr(2)} {
		w.ends.add(&a)
	}
	return w
}

func nobody(Copy) { panic("a copy stayed alone") }

// TestPair has copies of which routers changed what they change.
func TestPair(t *testing.T) {
	w := window(0, nobody)
	sent := Copy{Tap: 1, Flow: 11, Way: Egress, Nanos: 5}
	_, ok := w.Add(packet(1), sent)
	assert.False(t, ok)
	late := packet(1)
	late.TTL, late.VLANs, late.BadChecksum = 60, [3]uint16{7}, true
	late.Frame, late.VNI, late.Outer = []byte("another MAC address"), 99, netip.MustParseAddrPort("10.0.0.2:1")
	other, ok := w.Add(late, Copy{Tap: 2, Flow: 22, Way: Ingress, Nanos: second})
	assert.True(t, ok)
	assert.Equal(t, sent, other)
	_, ok = w.Add(late, Copy{Tap: 2, Way: Ingress, Nanos: second})
	assert.False(t, ok, "the pair is complete")
	assert.Equal(t, Counts{Pairs: 1}, w.Counts())
}

// TestIngressFirst: a load balancer may hand the copies over in any order.
func TestIngressFirst(t *testing.T) {
	w := window(0, nobody)
	w.Add(packet(1), Copy{Tap: 2, Way: Ingress, Nanos: 9})
	other, ok := w.Add(packet(1), Copy{Tap: 1, Way: Egress, Nanos: 5})
	assert.True(t, ok)
	assert.Equal(t, Copy{Tap: 2, Way: Ingress, Nanos: 9}, other)
}

// TestIdentity changes one thing of a packet at a time: then it is another one.
func TestIdentity(t *testing.T) {
	w := window(0, nobody)
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

// TestUnrelated: equal packets at two taps that both sent them, or of which one is a stranger, are two networks.
func TestUnrelated(t *testing.T) {
	w := window(0, nobody)
	for _, c := range []Copy{{Tap: 1, Way: Egress}, {Tap: 2, Way: Egress}, {Tap: 3, Way: Transit}} {
		_, ok := w.Add(packet(1), c)
		assert.False(t, ok, "%+v", c)
	}
	for _, way := range []Way{Egress, Ingress} {
		_, ok := w.Add(packet(2), Copy{Tap: 1, Way: way})
		assert.False(t, ok, "the same tap")
	}
	assert.Zero(t, w.Counts())
}

// TestAmbiguous: two networks with the same addresses, both ends of both mirrored, and the same packet in both.
func TestAmbiguous(t *testing.T) {
	w := window(0, nobody)
	for tap, way := range []Way{Egress, Egress, Ingress, Ingress} {
		_, ok := w.Add(packet(1), Copy{Tap: uint32(tap), Way: way})
		assert.False(t, ok)
	}
	assert.Equal(t, Counts{Ambiguous: 2}, w.Counts())
}

// TestOneEnd: copies wait only for ends that are known to be mirrored.
func TestOneEnd(t *testing.T) {
	w := New(0, nobody)
	w.Add(packet(1), Copy{Tap: 1, Way: Egress})
	w.Add(packet(2), Copy{Tap: 1, Way: Egress})
	_, ok := w.Add(packet(1), Copy{Tap: 2, Way: Ingress})
	assert.False(t, ok, "it was not known then that the other end is mirrored")
	w.Add(packet(3), Copy{Tap: 1, Way: Egress})
	_, ok = w.Add(packet(3), Copy{Tap: 2, Way: Ingress})
	assert.True(t, ok)
}

// TestEnds: nobody who is mirrored is forgotten, and few others are taken for one.
func TestEnds(t *testing.T) {
	var e ends
	same := 0
	for i := range 20_000 {
		a := netip.AddrFrom4([4]byte{10, 7, byte(i >> 8), byte(i)}).As16()
		if i%2 == 0 {
			a = [16]byte{0x20, 1, 0xd, 0xb8, 7: byte(i >> 8), 15: byte(i)}
		}
		end := decap.Addr(a)
		if e.has(&end) {
			same++
		}
		e.add(&end)
		require.True(t, e.has(&end))
	}
	assert.Less(t, same, 20_000/5) // of a perfect hash 14 %
}

// TestAlone loses one copy of many: it is told once its time is over, whether packets come or time alone passes.
func TestAlone(t *testing.T) {
	var alone []Copy
	w := window(1<<20, func(c Copy) { alone = append(alone, c) })
	for i := range 100 {
		c := Copy{Tap: 1, Flow: uint32(i), Way: Egress, Nanos: int64(i)}
		w.Add(packet(uint32(i)), c)
		if i != 50 {
			w.Add(packet(uint32(i)), Copy{Tap: 2, Way: Ingress, Nanos: int64(i)})
		}
	}
	w.Expire(second + 50)
	assert.Empty(t, alone)
	w.Expire(second + 51)
	assert.Equal(t, []Copy{{Tap: 1, Flow: 50, Way: Egress, Nanos: 50}}, alone)
	w.Expire(9 * second)
	assert.Equal(t, Counts{Pairs: 99, Alone: 1}, w.Counts())
}

// waits is a copy in the model.
type waits struct {
	seq  uint32
	copy Copy
	done bool
}

// model is the window in plain words: a list of copies in the order in which they came.
type model struct {
	list   []waits
	counts Counts
	now    int64
}

func (m *model) expire(nanos int64) (alone []Copy) {
	m.now = max(m.now, nanos)
	for len(m.list) > 0 && m.now-m.list[0].copy.Nanos > second {
		if !m.list[0].done {
			alone = append(alone, m.list[0].copy)
		}
		m.list = m.list[1:]
	}
	m.counts.Alone += uint64(len(alone))
	return alone
}

func (m *model) add(seq uint32, c Copy) (Copy, bool) {
	taps := map[uint32]bool{}
	found := -1
	for i, equal := len(m.list)-1, 0; i >= 0 && equal < maxEqual; i-- {
		x := &m.list[i]
		if x.done || x.seq != seq {
			continue
		}
		equal++
		if x.copy.Way != c.Way && x.copy.Tap != c.Tap {
			taps[x.copy.Tap] = true
			found = max(found, i)
		}
	}
	switch len(taps) {
	case 1:
		m.list[found].done = true
		m.counts.Pairs++
		return m.list[found].copy, true
	case 2:
		m.counts.Ambiguous++
	}
	if len(m.list) == minCopies {
		if !m.list[0].done {
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
		var alone []Copy
		w, m := window(0, func(c Copy) { alone = append(alone, c) }), &model{}
		start := rapid.SampledFrom([]uint32{1, 1<<32 - 20}).Draw(t, "start")
		w.first, w.next = start, start
		packets := rapid.SampledFrom([]uint32{2, 200}).Draw(t, "packets")
		step := rapid.SampledFrom([]int64{second / 200, second / 10}).Draw(t, "step")
		nanos := int64(0)
		for i := range rapid.IntRange(1, 400).Draw(t, "copies") {
			nanos += rapid.Int64Range(-step/2, step).Draw(t, "later")
			c := Copy{Tap: rapid.Uint32Range(1, 3).Draw(t, "tap"), Flow: uint32(i), Nanos: nanos}
			c.Way = rapid.SampledFrom([]Way{Egress, Ingress}).Draw(t, "way")
			seq := rapid.Uint32Range(1, packets).Draw(t, "packet")
			alone = nil
			wantAlone := m.expire(nanos)
			want, wantOK := m.add(seq, c)
			got, ok := w.Add(packet(seq), c)
			require.Equal(t, wantAlone, alone)
			require.Equal(t, want, got)
			require.Equal(t, wantOK, ok)
			require.Equal(t, m.counts, w.Counts())
		}
	})
}

// FuzzWindow gives the window copies of any packets: each is paired, alone, evicted or still there.
func FuzzWindow(f *testing.F) {
	f.Add([]byte("\x01\x01\x00\x01\x02\x00\x02\x01\x90"))
	f.Fuzz(func(t *testing.T, data []byte) {
		alone := uint64(0)
		w := window(0, func(Copy) { alone++ })
		added, nanos := uint64(0), int64(0)
		for ; len(data) >= 3; data = data[3:] {
			nanos += int64(int8(data[2])) * second / 100
			c := Copy{Tap: uint32(data[1] >> 4), Way: Way(data[1]%2) + Egress, Nanos: nanos}
			p := &decap.Packet{Proto: decap.UDP, Payload: data[:1]}
			if _, ok := w.Add(p, c); ok {
				added--
			} else {
				added++
			}
		}
		w.Expire(nanos + 400*second)
		n := w.Counts()
		require.Equal(t, alone, n.Alone)
		require.Equal(t, added, n.Alone+n.Evicted)
		require.Equal(t, w.first, w.next)
	})
}

// TestMemory: the window takes no more than it was granted.
func TestMemory(t *testing.T) {
	for _, size := range []int{1 << 20, 3 << 20, 5_000_000} {
		w := New(size, nobody)
		total := len(w.copies)*int(reflect.TypeFor[waiting]().Size()) + 4*len(w.index)
		assert.LessOrEqual(t, total, size)
		assert.Greater(t, total, size/2)
	}
}

// traffic returns a function that adds a packet at each of so many ends, at a rate of 100,000 packets a second.
func traffic(w *Window, ways ...Way) func() {
	p := packet(0)
	nanos := int64(0)
	return func() {
		p.Seq += 1448
		nanos += second / 100_000
		for _, way := range ways {
			w.Add(p, Copy{Tap: uint32(way), Way: way, Nanos: nanos})
		}
	}
}

func drop(Copy) {}

func TestAllocatesNothing(t *testing.T) {
	assert.Zero(t, testing.AllocsPerRun(1000, traffic(window(0, drop), Egress, Ingress)))
	assert.Zero(t, testing.AllocsPerRun(1000, traffic(window(0, drop), Egress)))
}

// BenchmarkOneEnd measures a packet from or to a host that is not mirrored.
func BenchmarkOneEnd(b *testing.B) { benchmark(b, traffic(New(8<<20, drop), Egress)) }

// BenchmarkLost measures a packet whose other copy never comes.
func BenchmarkLost(b *testing.B) { benchmark(b, traffic(window(8<<20, drop), Egress)) }

// BenchmarkBothEnds measures a packet that is two copies.
func BenchmarkBothEnds(b *testing.B) { benchmark(b, traffic(window(8<<20, drop), Egress, Ingress)) }

func benchmark(b *testing.B, step func()) {
	b.ReportAllocs()
	for b.Loop() {
		step()
	}
}

// TestEarly: a copy that is to be kept although nobody is known at the other end is found there; if nobody comes, nothing is
// said of it.
func TestEarly(t *testing.T) {
	w := New(0, nobody)
	_, ok := w.Add(packet(1), Copy{Tap: 1, Flow: 11, Way: Egress, Early: true, Nanos: 1})
	assert.False(t, ok)
	w.Add(packet(2), Copy{Tap: 1, Flow: 11, Way: Egress, Early: true, Nanos: 1})
	other, ok := w.Add(packet(1), Copy{Tap: 2, Flow: 22, Way: Ingress, Nanos: 2})
	assert.True(t, ok)
	assert.Equal(t, Copy{Tap: 1, Flow: 11, Way: Egress, Nanos: 1}, other)
	w.Expire(1 + second + 1)
	assert.Equal(t, Counts{Pairs: 1}, w.Counts())
	w = New(0, nobody)
	for seq := range uint32(minCopies) + 1 {
		w.Add(packet(seq), Copy{Tap: 1, Way: Egress, Early: true, Nanos: 1})
	}
	assert.Zero(t, w.Counts().Evicted)
}

// TestFragmentsOfAPacketAreToldApart though they begin alike.
func TestFragmentsOfAPacketAreToldApart(t *testing.T) {
	w := New(0, nobody)
	first, second := packet(1), packet(1)
	second.FragOff = 1448
	assert.NotEqual(t, w.Identity(first), w.Identity(second))
}
