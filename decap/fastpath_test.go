package decap

import (
	"encoding/binary"
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestFastPathAgrees spoils good packets a little, and decodes each with the short way and without it: reason and packet
// are the same. That some do go the short way is checked too.
func TestFastPathAgrees(t *testing.T) {
	packets := transports(t)
	names := slices.Sorted(maps.Keys(packets))
	fast := 0
	rapid.Check(t, func(t *rapid.T) {
		packet := packets[rapid.SampledFrom(names).Draw(t, "packet")].packet
		etherType := uint16(EtherIPv4)
		if packet[0]>>4 == 6 {
			etherType = EtherIPv6
		}
		frame := binary.BigEndian.AppendUint16(make([]byte, 12), etherType)
		frame = append(append(frame, packet...), make([]byte, rapid.IntRange(0, 20).Draw(t, "padding"))...)
		for range rapid.IntRange(0, 2).Draw(t, "changes") {
			i := rapid.IntRange(EthernetLen, min(len(frame), EthernetLen+60)-1).Draw(t, "at")
			frame[i] = rapid.OneOf(rapid.SampledFrom([]byte{0, 4, 6, 17, 0x45, 0x46, 0x50, 0xff}), rapid.Byte()).Draw(t, "byte")
		}
		frame = frame[:rapid.IntRange(EthernetLen, len(frame)).Draw(t, "captured")]
		cut := rapid.IntRange(0, 9).Draw(t, "cut")

		dec := Decoder{Encapsulation: Never}
		short, long := Packet{Frame: frame}, Packet{Frame: frame}
		r := decoder{dec: &dec, p: &short}.ethernet(frame, cut)
		require.Equal(t, decoder{dec: &dec, p: &long}.etherType(etherType, frame[EthernetLen:], cut), r)
		if r <= Fragment {
			require.Equal(t, long, short)
		}
		if _, ok := (decoder{dec: &dec, p: new(Packet)}).fastPath(frame); ok {
			fast++
		}
	})
	require.NotZero(t, fast)
}
