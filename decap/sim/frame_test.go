package sim_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/decap/sim"
)

// The format captures hold the same packets under several link layers. Each becomes an Ethernet frame with the same IP
// packet in it.
func TestAppendFrameGivesEveryLinkLayerEthernet(t *testing.T) {
	want := map[string]int{}
	for _, frame := range captured(t, "format-ethernet.pcap") {
		want[string(frame[14:])]++
	}
	for name, link := range map[string]decap.Link{
		"format-ethernet.pcap": decap.LinkEthernet,
		"format-rawip.pcap":    decap.LinkIP,
		"format-null.pcap":     decap.LinkNull,
		"format-sll.pcap":      decap.LinkSLL,
		"format-sll2.pcap":     decap.LinkSLL2,
	} {
		t.Run(name, func(t *testing.T) {
			got := map[string]int{}
			for _, data := range captured(t, name) {
				frame, ok := sim.AppendFrame(nil, &decap.Datagram{Data: data, Link: link})
				require.True(t, ok)
				require.Equal(t, map[byte]byte{4: 0x08, 6: 0x86}[frame[14]>>4], frame[12], "EtherType")
				got[string(frame[14:])]++
			}
			require.Equal(t, want, got)
		})
	}
}

func TestAppendFrameRefusesWhatItCannotRead(t *testing.T) {
	for name, d := range map[string]decap.Datagram{
		"another link type":     {Data: make([]byte, 100), Link: decap.LinkUnsupported},
		"an empty IP packet":    {Link: decap.LinkIP},
		"neither IPv4 nor IPv6": {Data: []byte{0x50}, Link: decap.LinkIP},
		"a short cooked header": {Data: make([]byte, 15), Link: decap.LinkSLL},
		"a short cooked v2":     {Data: make([]byte, 19), Link: decap.LinkSLL2},
		"a short loopback":      {Data: make([]byte, 3), Link: decap.LinkNull},
	} {
		got, ok := sim.AppendFrame([]byte("kept"), &d)
		require.False(t, ok, name)
		require.Equal(t, "kept", string(got), name)
	}
}
