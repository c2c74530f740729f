package decap

import (
	"encoding/binary"
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestFastKeyAgrees changes a few bytes of good packets, some of them in VXLAN, and compares with Parse: the key, and what Parse finds in
// the rest of the datagram after Unwrap.
func TestFastKeyAgrees(t *testing.T) {
	packets := transports(t)
	names := slices.Sorted(maps.Keys(packets))
	found := 0
	for _, name := range names { // frames that were not changed have a key
		frame := inEthernet(packets[name].packet)
		_, plain := requireKeyAgrees(t, &Decoder{}, Datagram{Data: frame, WireLen: len(frame)})
		mirroredFrame := inEthernet(inVXLAN(frame, PortVXLAN))
		mirrored, ok := requireKeyAgrees(t, &Decoder{}, Datagram{Data: mirroredFrame, WireLen: len(mirroredFrame)})
		require.Equal(t, plain, ok, name)
		require.Equal(t, plain, mirrored, name)
		if plain {
			found++
		}
	}
	require.Greater(t, found, 1)
	allows := []*Allow{nil, NewAllow(nil, nil), NewAllow(nil, []VNIRange{{7, 7}}), NewAllow(nil, []VNIRange{{8, 8}})}
	rapid.Check(t, func(t *rapid.T) {
		packet := packets[rapid.SampledFrom(names).Draw(t, "packet")].packet
		frame := inEthernet(packet)
		if rapid.Bool().Draw(t, "mirrored") {
			frame = inEthernet(inVXLAN(frame, rapid.SampledFrom([]uint16{PortVXLAN, PortGENEVE, 53}).Draw(t, "port")))
		}
		for range rapid.IntRange(0, 2).Draw(t, "changes") {
			i := rapid.IntRange(0, min(len(frame), 110)-1).Draw(t, "at")
			frame[i] = rapid.OneOf(rapid.SampledFrom([]byte{0, 4, 6, 17, 0x45, 0x46, 0x50, 0xff}), rapid.Byte()).Draw(t, "byte")
		}
		frame = frame[:len(frame)-rapid.SampledFrom([]int{0, 0, 0, 1, 9}).Draw(t, "truncated")%len(frame)]
		dec := Decoder{
			Encapsulation: rapid.SampledFrom([]Encapsulation{Auto, Always, Never}).Draw(t, "encapsulation"),
			Allow:         rapid.SampledFrom(allows).Draw(t, "allow"),
		}
		d := Datagram{Data: frame, WireLen: len(frame) + rapid.SampledFrom([]int{0, 0, 4}).Draw(t, "missing")}
		requireKeyAgrees(t, &dec, d)
	})
}

// requireKeyAgrees compares with Parse, and reports whether the datagram has a fast key and whether it is a mirrored one.
func requireKeyAgrees(t require.TestingT, dec *Decoder, d Datagram) (mirrored, ok bool) {
	var g FastKey
	if !dec.FastKey(&g, &d) {
		return false, false
	}
	var p Packet
	require.Equal(t, OK, dec.Parse(&p, &d))
	require.Equal(t, p.FastKey(), only(g))
	g.Unwrap(&d)
	var rest Packet
	require.Equal(t, OK, dec.Parse(&rest, &d))
	require.Equal(t, p, rest)
	if g.Mirrored {
		require.Equal(t, LinkVXLAN, d.Link)
	}
	return g.Mirrored, true
}

// only returns a key without what an earlier one left and without what Unwrap needs.
func only(g FastKey) FastKey {
	g.envelope = nil
	if !g.Mirrored {
		g.VNI = 0
		g.Outer = FastKey{}.Outer
	}
	return g
}

func inEthernet(packet []byte) []byte {
	etherType := uint16(EtherIPv4)
	if packet[0]>>4 == 6 {
		etherType = EtherIPv6
	}
	return append(binary.BigEndian.AppendUint16(make([]byte, 12), etherType), packet...)
}

// inVXLAN puts a frame behind IPv4, UDP to a port and a VXLAN header.
func inVXLAN(frame []byte, port uint16) []byte {
	b := make([]byte, IPv4Len+UDPLen+VXLANLen, IPv4Len+UDPLen+VXLANLen+len(frame))
	b[0], b[9] = 0x45, UDP
	copy(b[12:], []byte{10, 0, 0, 5, 10, 0, 0, 9})
	binary.BigEndian.PutUint16(b[2:], uint16(cap(b)))
	binary.BigEndian.PutUint16(b[22:], port)
	binary.BigEndian.PutUint16(b[24:], uint16(cap(b)-IPv4Len))
	b[28], b[34] = vxlanFlagI, 7
	return append(b, frame...)
}

func BenchmarkFastKey(b *testing.B) {
	packet := make([]byte, 200)
	packet[0], packet[9], packet[32] = 0x45, TCP, 0x50
	binary.BigEndian.PutUint16(packet[2:], 200)
	frame := inEthernet(inVXLAN(inEthernet(packet), PortVXLAN))
	d := Datagram{Data: frame, WireLen: len(frame)}
	var dec Decoder
	b.Run("fast key", func(b *testing.B) {
		var g FastKey
		for b.Loop() {
			if !dec.FastKey(&g, &d) {
				b.Fatal("it needs Parse")
			}
		}
	})
	var p Packet
	parse := func(b *testing.B) {
		for b.Loop() {
			_ = dec.Parse(&p, &d)
		}
	}
	b.Run("parse", parse)
	var g FastKey
	_ = dec.FastKey(&g, &d)
	g.Unwrap(&d)
	b.Run("rest", parse)
}
