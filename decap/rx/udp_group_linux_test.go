package rx

import (
	"math"
	"net/netip"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/mirrorsink/mirrorsink/decap"
)

func TestListenUDPRefusesATakenPort(t *testing.T) {
	alone := listen(t, UDPConfig{})
	group := listen(t, UDPConfig{Sockets: 2})
	descriptors := countDescriptors(t)
	for _, taken := range []netip.AddrPort{alone[0].Addr(), group[0].Addr()} {
		for _, sockets := range []int{1, 2} {
			_, err := ListenUDP(UDPConfig{Addr: taken, Sockets: sockets, Link: decap.LinkVXLAN})
			assert.ErrorIs(t, err, unix.EADDRINUSE)
			assert.ErrorContains(t, err, "listen on udp "+taken.String())
			assert.NotContains(t, err.Error(), "\n")
		}
	}
	assert.Equal(t, descriptors, countDescriptors(t))
}

func TestListenUDPRefusesAForeignAddress(t *testing.T) {
	_, err := ListenUDP(UDPConfig{Addr: netip.MustParseAddrPort("192.0.2.1:0"), Link: decap.LinkVXLAN})
	assert.ErrorIs(t, err, unix.EADDRNOTAVAIL)
	assert.ErrorContains(t, err, "no interface of this host")
}

// TestGroupTakesNothingBeforeItIsSteered sends to a group that has its port but not yet its steering program.
func TestGroupTakesNothingBeforeItIsSteered(t *testing.T) {
	end, err := unix.Eventfd(0, unix.EFD_CLOEXEC)
	require.NoError(t, err)
	g := &group{end: end}
	t.Cleanup(g.close)
	cfg, err := UDPConfig{Addr: loopback4, Sockets: 2, Link: decap.LinkVXLAN}.withDefaults()
	require.NoError(t, err)
	require.NoError(t, g.add(&cfg))
	require.NoError(t, g.add(&cfg))
	conn := dial(t, cfg.Addr)
	send(t, conn, []byte("early"))
	var b decap.Batch
	for end := time.Now().Add(hang); g.members[0].Drops()+g.members[1].Drops() == 0 && time.Now().Before(end); {
		for _, u := range g.members {
			require.NoError(t, u.Read(&b))
			require.Zero(t, b.N)
		}
	}
	assert.EqualValues(t, 1, g.members[0].Drops()+g.members[1].Drops())

	require.NoError(t, g.start(cfg.Link))
	send(t, conn, []byte("short, so for the first"))
	readSome(t, g.members[0], &b)
	assert.Equal(t, "short, so for the first", string(b.D[0].Data))
}

func TestListenUDPSharesOnePort(t *testing.T) {
	socks := listen(t, UDPConfig{Sockets: 3})
	for _, u := range socks {
		assert.Equal(t, socks[0].Addr(), u.Addr())
		assert.NotZero(t, u.Addr().Port())
		assert.Empty(t, u.Warnings())
	}
}

// TestListenUDPWarnsOfASmallBuffer listens on a thread without CAP_NET_ADMIN, whose wish the kernel's limit cuts.
func TestListenUDPWarnsOfASmallBuffer(t *testing.T) {
	var socks []*UDP
	var err error
	var thread sync.WaitGroup
	thread.Go(func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
		var none [2]unix.CapUserData
		if err = unix.Capset(&header, &none[0]); err == nil {
			socks, err = ListenUDP(UDPConfig{Addr: loopback4, Sockets: 2, ReceiveBuffer: math.MaxInt32 / 2, Link: decap.LinkVXLAN})
		}
	})
	thread.Wait()
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, socks[0].Close()) })
	require.Equal(t, socks[0].Warnings(), socks[1].Warnings())
	require.Len(t, socks[0].Warnings(), 1)
	assert.Contains(t, socks[0].Warnings()[0], "instead of 1073741823")
	assert.Contains(t, socks[0].Warnings()[0], "sysctl -w net.core.rmem_max=1073741823")
}
