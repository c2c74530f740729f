package dedup

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/decap"
)

// frameOf returns a packet in a frame between two stations.
func frameOf(src, dst, ttl byte) *decap.Packet {
	frame := make([]byte, 60)
	frame[5], frame[11], frame[12] = dst, src, 8
	return &decap.Packet{Frame: frame, Proto: decap.TCP, TTL: ttl, Seq: 7, Payload: []byte("hello"), PayloadLen: 5}
}

// tunnelOf returns a packet in a tunnel between two hosts.
func tunnelOf(src, dst, ttl byte) *decap.Packet {
	p := frameOf(0, 0, ttl)
	ip := p.Frame[decap.EthernetLen:]
	ip[0], ip[15], ip[19] = 0x45, src, dst
	p.Depth = 1
	return p
}

func bare(p *decap.Packet) *decap.Packet {
	p.Frame, p.FrameIsIP = p.Frame[decap.EthernetLen:], true
	return p
}

func TestPasses(t *testing.T) {
	const a, m, b = 1, 2, 3 // a host, the interface, another host
	other := frameOf(m, b, 63)
	other.Payload = []byte("Hello")
	for name, c := range map[string]struct {
		first, second *decap.Packet
		later         int64
		want          bool
	}{
		"a router":                         {frameOf(a, m, 64), frameOf(m, b, 63), 1e6, true},
		"sent before received":             {frameOf(m, b, 63), frameOf(a, m, 64), 1e6, true},
		"times in the wrong order":         {frameOf(a, m, 64), frameOf(m, b, 63), -1e6, true},
		"an appliance that leaves the TTL": {frameOf(a, m, 64), frameOf(m, b, 64), 1e6, true},
		"back to where it came from":       {frameOf(a, m, 64), frameOf(m, a, 64), 1e6, true},
		"two interfaces of a router":       {frameOf(a, m, 64), frameOf(9, b, 63), 1e6, true},
		"a retransmission":                 {frameOf(a, m, 64), frameOf(a, m, 64), 1e6, false},
		"of other bytes":                   {frameOf(a, m, 64), other, 1e6, false},
		"two hosts, one distance":          {frameOf(a, m, 64), frameOf(9, b, 64), 1e6, false},
		"too late":                         {frameOf(a, m, 64), frameOf(m, b, 63), 2e8, false},
		"a tunnel, turned round":           {tunnelOf(a, m, 64), tunnelOf(m, a, 64), 1e6, true},
		"a tunnel, once more":              {tunnelOf(a, m, 64), tunnelOf(a, m, 64), 1e6, false},
		"a tunnel without Ethernet":        {bare(tunnelOf(a, m, 64)), bare(tunnelOf(m, a, 64)), 1e6, true},
		"no Ethernet":                      {bare(frameOf(a, m, 64)), bare(frameOf(m, b, 63)), 1e6, true},
		"no Ethernet, farther":             {bare(frameOf(a, m, 63)), bare(frameOf(m, b, 64)), 1e6, false},
		"a cut frame":                      {&decap.Packet{Depth: 1, TTL: 64}, &decap.Packet{Depth: 1, TTL: 64}, 1e6, false},
	} {
		passes := NewPasses()
		require.False(t, passes.Again(c.first, 5, 1e9), name)
		assert.Equal(t, c.want, passes.Again(c.second, 5, 1e9+c.later), name)
		assert.False(t, passes.Again(c.second, 6, 1e9+c.later), "another flow")
	}
}

// TestPassesOfFlows: equal packets of two flows are two, also without sequence numbers.
func TestPassesOfFlows(t *testing.T) {
	passes := NewPasses()
	for seed := range uint64(100) {
		in, out := frameOf(1, 2, 64), frameOf(2, 3, 63)
		in.Seq, out.Seq = 0, 0
		require.False(t, passes.Again(in, seed, 1e9))
		require.False(t, passes.Again(out, seed+1000, 1e9))
	}
}

// TestPassesOfBursts: a burst is received before its first packet is sent on.
func TestPassesOfBursts(t *testing.T) {
	passes := NewPasses()
	in, out := frameOf(1, 2, 64), frameOf(2, 3, 63)
	for range 3 { // and transmitted again, with the same numbers as IPv6 does it
		for seq := range uint32(1000) {
			in.Seq = seq
			require.False(t, passes.Again(in, 5, int64(seq)*1000))
		}
		for seq := range uint32(1000) {
			out.Seq = seq
			require.True(t, passes.Again(out, 5, int64(seq)*1000+2e6))
		}
	}
}

// TestPassesAreBounded: newer packets take the place of older ones.
func TestPassesAreBounded(t *testing.T) {
	passes := NewPasses()
	p := frameOf(1, 2, 64)
	allocs := testing.AllocsPerRun(1, func() {
		for seq := range uint32(200_000) {
			p.Seq = seq
			passes.Again(p, 5, int64(seq))
		}
	})
	assert.Zero(t, allocs)
	p = frameOf(2, 3, 63)
	p.Seq = 199_999
	assert.True(t, passes.Again(p, 5, 200_000))
}

// FuzzEnds: frames are hostile.
func FuzzEnds(f *testing.F) {
	f.Add(slices.Clone(tunnelOf(1, 2, 3).Frame), uint8(1), uint8(1), true)
	f.Fuzz(func(_ *testing.T, frame []byte, depth, vlans uint8, ip bool) {
		endsOf(&decap.Packet{Frame: frame, Depth: depth, NumVLANs: vlans, FrameIsIP: ip})
	})
}
