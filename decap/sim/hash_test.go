package sim_test

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func sourcePort(tb testing.TB, frame []byte) uint16 {
	tb.Helper()
	return mirror(tb, filtered(everything())).Encapsulate(nil, frame)[0].From.Port()
}

func TestSourcePortIsTheSameInBothDirections(t *testing.T) {
	ports := map[uint16]bool{}
	rapid.Check(t, func(r *rapid.T) {
		draw := func(label string) string {
			addr := rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(r, label)
			addr[0] = 198 // no service's address
			return netip.AddrPortFrom(netip.AddrFrom4([4]byte(addr)), rapid.Uint16().Draw(r, label+" port")).String()
		}
		a, b := draw("a"), draw("b")
		there, back := sourcePort(t, tcpFrame(t, a, b)), sourcePort(t, turned(tcpFrame(t, b, a)))
		require.Equal(t, there, back)
		require.GreaterOrEqual(t, there, uint16(0xff80))
		ports[there] = true
	})
	require.Greater(t, len(ports), 16, "flows spread over the ports")
}

func TestSourcePortsSpreadEvenly(t *testing.T) {
	const flows = 128 * 32
	count := map[uint16]int{}
	for i := range flows {
		src := netip.AddrPortFrom(source, uint16(1024+i)).String()
		count[sourcePort(t, tcpFrame(t, src, "198.51.100.10:443"))]++
	}
	require.Len(t, count, 128)
	for port, n := range count {
		require.Less(t, n, 2*flows/128, "port %d", port)
	}
}

func TestSourcePortByKindOfPacket(t *testing.T) {
	require.Equal(t, sourcePort(t, pingFrame(t, "10.0.1.10", "198.51.100.10", 8)),
		sourcePort(t, turned(pingFrame(t, "198.51.100.10", "10.0.1.10", 0))), "echo and its reply")

	big := udpFrame(t, "10.0.1.10:1000", "198.51.100.10:2000", make([]byte, 100))
	first := append([]byte{}, big...)
	first[14+6] = 0x20 // more fragments
	require.Equal(t, sourcePort(t, first), sourcePort(t, laterFragment(big)), "all fragments of a packet")

	answer := turned(udpFrame(t, "10.0.0.2:53", "10.0.1.10:4444", nil))
	require.EqualValues(t, 0xff80, sourcePort(t, answer), "answers of Amazon's DNS")
	seen := map[uint16]bool{}
	for port := range uint16(50) {
		seen[sourcePort(t, udpFrame(t, netip.AddrPortFrom(source, 2000+port).String(), "10.0.0.2:53", nil))] = true
	}
	require.Greater(t, len(seen), 10, "its questions are hashed")
}
