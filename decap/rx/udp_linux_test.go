package rx

import (
	"bytes"
	"net"
	"net/netip"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"github.com/mirrorsink/mirrorsink/decap"
)

var (
	loopback4 = netip.MustParseAddrPort("127.0.0.1:0")
	loopback6 = netip.MustParseAddrPort("[::1]:0")
)

// hang is how long a test waits for what must come. Only a fault takes that long, however busy the machine is.
const hang = 2 * time.Minute

// until reads until enough reports true. It fails the test if that takes too long.
func until(t testing.TB, from reader, b *decap.Batch, enough func() bool) {
	t.Helper()
	for end := time.Now().Add(hang); !enough(); {
		require.NoError(t, from.Read(b))
		require.True(t, time.Now().Before(end), "what was sent did not arrive")
	}
}

// listen opens a group, on loopback for VXLAN unless cfg says otherwise, that is closed when the test ends.
func listen(t testing.TB, cfg UDPConfig) []*UDP {
	t.Helper()
	if !cfg.Addr.IsValid() {
		cfg.Addr = loopback4
	}
	if cfg.Link == decap.LinkEthernet {
		cfg.Link = decap.LinkVXLAN
	}
	socks, err := ListenUDP(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, socks[0].Close()) })
	return socks
}

// listen6 is listen on an IPv6 address; it skips the test where there is no IPv6.
func listen6(t testing.TB, addr string) *UDP {
	t.Helper()
	probe, err := net.ListenUDP("udp6", net.UDPAddrFromAddrPort(loopback6))
	if err != nil {
		t.Skip("needs IPv6 on loopback:", err)
	}
	require.NoError(t, probe.Close())
	return listen(t, UDPConfig{Addr: netip.MustParseAddrPort(addr)})[0]
}

// dial returns a sender to addr, on a port of its own.
func dial(t testing.TB, addr netip.AddrPort) *net.UDPConn {
	t.Helper()
	conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(addr))
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func send(t testing.TB, conn *net.UDPConn, payload []byte) {
	t.Helper()
	_, err := conn.Write(payload)
	require.NoError(t, err)
}

func source(conn *net.UDPConn) netip.AddrPort { return conn.LocalAddr().(*net.UDPAddr).AddrPort() }

// readSome reads until there is something, which it expects.
func readSome(t testing.TB, u reader, b *decap.Batch) {
	t.Helper()
	b.N = 0
	until(t, u, b, func() bool { return b.N > 0 })
}

func TestUDPReceivesEverySize(t *testing.T) {
	for _, c := range []struct {
		name  string
		addr  netip.AddrPort
		link  decap.Link
		sizes []int
	}{
		{"VXLAN over IPv4", loopback4, decap.LinkVXLAN, []int{0, 1, 8, 1472, 8951, 9001, 32768, 65506, 65507}},
		{"GENEVE over IPv4", loopback4, decap.LinkGENEVE, []int{64, 8500}},
		{"VXLAN over IPv6", loopback6, decap.LinkVXLAN, []int{0, 1, 1472, 9001, 65507, 65527}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var u *UDP
			if c.addr == loopback6 {
				u = listen6(t, "[::1]:0")
			} else {
				u = listen(t, UDPConfig{Addr: c.addr, Link: c.link})[0]
			}
			conn := dial(t, u.Addr())
			var b decap.Batch
			for _, size := range c.sizes {
				want := bytes.Repeat([]byte{byte(size), 0xa5, 7}, size/3+1)[:size]
				before := time.Now()
				send(t, conn, want)
				readSome(t, u, &b)
				require.Equal(t, 1, b.N)
				d := &b.D[0]
				assert.Equal(t, c.link, d.Link)
				assert.Equal(t, source(conn), d.Outer)
				assert.Equal(t, size, d.WireLen)
				assert.Equal(t, len(d.Data), cap(d.Data))
				assert.True(t, bytes.Equal(want, d.Data), "%d bytes", size)
				assert.WithinDuration(t, before, time.Unix(0, d.Nanos), time.Minute)
			}
			assert.EqualValues(t, len(c.sizes), u.Received())
			assert.Zero(t, u.Drops())
			assert.Zero(t, u.Truncated())
		})
	}
}

func TestUDPWildcardReceivesBothFamilies(t *testing.T) {
	u := listen6(t, "[::]:0")
	var b decap.Batch
	for _, host := range []string{"127.0.0.1", "::1"} {
		conn := dial(t, netip.AddrPortFrom(netip.MustParseAddr(host), u.Addr().Port()))
		send(t, conn, []byte(host))
		readSome(t, u, &b)
		assert.Equal(t, host, string(b.D[0].Data))
		assert.Equal(t, source(conn), b.D[0].Outer)
	}
}

func TestUDPReceivesIPv6WithoutChecksum(t *testing.T) {
	u := listen6(t, "[::1]:0")
	conn := dial(t, u.Addr())
	raw, err := conn.SyscallConn()
	require.NoError(t, err)
	require.NoError(t, raw.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.IPPROTO_UDP, unix.UDP_NO_CHECK6_TX, 1)
	}))
	require.NoError(t, err)
	send(t, conn, []byte("no checksum"))
	var b decap.Batch
	readSome(t, u, &b)
	assert.Equal(t, "no checksum", string(b.D[0].Data))
}

func TestUDPReadsInBatches(t *testing.T) {
	u := listen(t, UDPConfig{})[0]
	conn := dial(t, u.Addr())
	const sent = 2*decap.BatchSize + 5
	for i := range sent {
		send(t, conn, []byte{byte(i)})
	}
	var b decap.Batch
	for next := 0; next < sent; next += b.N {
		readSome(t, u, &b)
		assert.Equal(t, min(decap.BatchSize, sent-next), b.N)
		for i, d := range b.D[:b.N] {
			require.Equal(t, []byte{byte(next + i)}, d.Data)
		}
	}
	require.NoError(t, u.Read(&b))
	assert.Zero(t, b.N, "a quiet wire gives an empty batch")
}

func TestUDPCountsTruncated(t *testing.T) {
	u := listen(t, UDPConfig{})[0]
	var err error
	u.msgs, err = newMessages(100)
	require.NoError(t, err)
	conn := dial(t, u.Addr())
	send(t, conn, make([]byte, 101))
	send(t, conn, make([]byte, 100))
	var b decap.Batch
	for got := 0; got < 2; got += b.N {
		readSome(t, u, &b)
		for _, d := range b.D[:b.N] {
			assert.Len(t, d.Data, 100)
		}
		if got == 0 {
			assert.Equal(t, 101, b.D[0].WireLen)
		}
	}
	assert.EqualValues(t, 1, u.Truncated())
	assert.EqualValues(t, 2, u.Received())
}

func TestUDPCloseEndsEveryRead(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	descriptors := countDescriptors(t)
	socks := listen(t, UDPConfig{Sockets: 3})
	var reads sync.WaitGroup
	for _, u := range socks {
		u.poll = time.Hour
		reads.Go(func() {
			var b decap.Batch
			assert.ErrorIs(t, u.Read(&b), os.ErrClosed)
			assert.ErrorIs(t, u.Read(&b), os.ErrClosed)
		})
	}
	time.Sleep(20 * time.Millisecond) // lets some of the Reads come to wait; the test holds without
	var closes sync.WaitGroup
	for _, u := range socks {
		closes.Go(func() { assert.NoError(t, u.Close()) })
	}
	closes.Wait()
	reads.Wait()
	assert.Equal(t, descriptors, countDescriptors(t))
}

func countDescriptors(t testing.TB) int {
	entries, err := os.ReadDir("/proc/self/fd")
	require.NoError(t, err)
	return len(entries)
}

// TestUDPLossIsExact sends more than the socket's buffer holds.
func TestUDPLossIsExact(t *testing.T) {
	const sent = 5000
	flood := func(t *testing.T, u *UDP) {
		conn := dial(t, u.Addr())
		for range sent {
			send(t, conn, make([]byte, 200))
		}
	}
	// readAll reads until all that was sent is accounted for.
	readAll := func(t *testing.T, u *UDP) {
		var b decap.Batch
		for end := time.Now().Add(hang); u.Received()+u.Drops() < sent; {
			if !assert.NoError(t, u.Read(&b)) || !assert.True(t, time.Now().Before(end)) {
				return
			}
		}
	}
	cfg := UDPConfig{ReceiveBuffer: 8 << 10}
	t.Run("read afterwards", func(t *testing.T) {
		u := listen(t, cfg)[0]
		flood(t, u)
		readAll(t, u)
		assert.EqualValues(t, sent, u.Received()+u.Drops())
		assert.NotZero(t, u.Drops())
		assert.NotZero(t, u.Received())
		require.NoError(t, u.Close())
		assert.EqualValues(t, sent, u.Received()+u.Drops(), "the counters outlive the socket")
	})
	t.Run("read meanwhile", func(t *testing.T) {
		u := listen(t, cfg)[0]
		var reader sync.WaitGroup
		reader.Go(func() { readAll(t, u) })
		flood(t, u)
		reader.Wait()
		assert.EqualValues(t, sent, u.Received()+u.Drops())
	})
}
