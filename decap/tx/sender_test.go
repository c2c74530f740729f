package tx_test

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/decap/tx"
)

func TestSenderUsesTheSourceAsked(t *testing.T) {
	sink := listen(t)
	s := tx.NewSender(sink.LocalAddr().(*net.UDPAddr).AddrPort())
	defer s.Close()
	for _, source := range []string{"127.0.1.10:0", "127.0.2.10:0"} {
		from := netip.MustParseAddrPort(source)
		require.NoError(t, s.Send(from, []byte("one")))
		require.NoError(t, s.Send(from, []byte("two")))
		first, payload := receive(t, sink)
		require.Equal(t, "one", payload)
		require.Equal(t, from.Addr(), first.Addr())
		second, payload := receive(t, sink)
		require.Equal(t, "two", payload)
		require.Equal(t, first, second, "a pair keeps its socket")
	}
	require.NoError(t, s.Unbound())
}

func TestSenderGoesOnWithoutTheSource(t *testing.T) {
	sink := listen(t)
	s := tx.NewSender(sink.LocalAddr().(*net.UDPAddr).AddrPort())
	defer s.Close()
	require.NoError(t, s.Send(netip.MustParseAddrPort("192.0.2.1:65500"), []byte("not ours")))
	_, payload := receive(t, sink)
	require.Equal(t, "not ours", payload)
	require.ErrorContains(t, s.Unbound(), "192.0.2.1:65500")
}

func TestSenderDoesNotMindThatNobodyListens(t *testing.T) {
	sink := listen(t)
	to := sink.LocalAddr().(*net.UDPAddr).AddrPort()
	require.NoError(t, sink.Close())
	s := tx.NewSender(to)
	defer s.Close()
	for range 3 {
		require.NoError(t, s.Send(netip.MustParseAddrPort("127.0.0.1:0"), []byte("x")))
	}
}

func listen(t *testing.T) *net.UDPConn {
	t.Helper()
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	return c
}

func receive(t *testing.T, c *net.UDPConn) (netip.AddrPort, string) {
	t.Helper()
	require.NoError(t, c.SetReadDeadline(time.Now().Add(2*time.Minute)))
	buf := make([]byte, 2048)
	n, from, err := c.ReadFromUDPAddrPort(buf)
	require.NoError(t, err)
	return from, string(buf[:n])
}
