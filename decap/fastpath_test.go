package decap

import (
	"encoding/binary"
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestFastPathAgrees decodes good packets and spoiled ones with the fast path and without it: reason and packet are the same. Good packets
// are decoded first, since few of the spoiled ones go the fast path: whether any does would depend on what is drawn.
func TestFastPathAgrees(t *testing.T) {
	packets := transports(t)
	names := slices.Sorted(maps.Keys(packets))
	fast := 0
	for _, name := range names {
		if fastPathAgrees(t, ethernetFrame(packets[name].packet, 0), 0) {
			fast++
		}
	}
	require.NotZero(t, fast)
	rapid.Check(t, func(t *rapid.T) {
		packet := packets[rapid.SampledFrom(names).Draw(t, "packet")].packet
		frame := ethernetFrame(packet, rapid.IntRange(0, 20).Draw(t, "padding"))
		for range rapid.IntRange(0, 2).Draw(t, "changes") {
			i := rapid.IntRange(EthernetLen, min(len(frame), EthernetLen+60)-1).Draw(t, "at")
			frame[i] = rapid.OneOf(rapid.SampledFrom([]byte{0, 4, 6, 17, 0x45, 0x46, 0x50, 0xff}), rapid.Byte()).Draw(t, "byte")
		}
		if !rapid.Bool().Draw(t, "whole") {
			frame = frame[:rapid.IntRange(EthernetLen, len(frame)).Draw(t, "captured")]
		}
		fastPathAgrees(t, frame, rapid.IntRange(0, 9).Draw(t, "cut"))
	})
}

// ethernetFrame puts an Ethernet header before an IP packet, and padding behind it.
func ethernetFrame(packet []byte, padding int) []byte {
	etherType := uint16(EtherIPv4)
	if packet[0]>>4 == 6 {
		etherType = EtherIPv6
	}
	frame := binary.BigEndian.AppendUint16(make([]byte, 12), etherType)
	return append(append(frame, packet...), make([]byte, padding)...)
}

// fastPathAgrees compares the two ways to decode a frame, and reports whether the fast path took it.
func fastPathAgrees(t require.TestingT, frame []byte, cut int) bool {
	dec := Decoder{Encapsulation: Never}
	short, long := Packet{Frame: frame}, Packet{Frame: frame}
	r := decoder{dec: &dec, p: &short}.ethernet(frame, cut)
	require.Equal(t, decoder{dec: &dec, p: &long}.etherType(binary.BigEndian.Uint16(frame[12:]), frame[EthernetLen:], cut), r)
	if r <= Fragment {
		require.Equal(t, long, short)
	}
	_, ok := decoder{dec: &dec, p: new(Packet)}.fastPath(frame)
	return ok
}
