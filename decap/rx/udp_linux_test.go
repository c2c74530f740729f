package rx

import (
	"net"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/decap"
)

func loopback(port uint16) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), port)
}

// listen opens a group on loopback that is closed when the test ends.
func listen(t testing.TB, cfg UDPConfig) []*UDP {
	t.Helper()
	if !cfg.Addr.IsValid() {
		cfg.Addr = loopback(0)
	}
	if cfg.Link == decap.LinkEthernet {
		cfg.Link = decap.LinkVXLAN
	}
	socks, err := ListenUDP(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, socks[0].Close()) })
	return socks
}

// dial returns a connected sender to a socket of a group, on a port of its own.
func dial(t testing.TB, to netip.AddrPort) *net.UDPConn {
	t.Helper()
	conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(to))
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func TestUDPReceives(t *testing.T) {
	u := listen(t, UDPConfig{Sockets: 2})[0]
	conn := dial(t, u.Addr())
	_, err := conn.Write([]byte("hello"))
	require.NoError(t, err)
	var b decap.Batch
	require.NoError(t, u.Read(&b))
	require.Equal(t, 1, b.N)
	require.Equal(t, "hello", string(b.D[0].Data))
	require.Equal(t, conn.LocalAddr().(*net.UDPAddr).AddrPort(), b.D[0].Outer)
}
