package netif_test

import (
	"net"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/mirrorsink/mirrorsink/decap/netif"
)

// anySocket returns a network socket of the test's thread.
func anySocket(t *testing.T) int {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	require.NoError(t, err)
	t.Cleanup(func() { _ = unix.Close(fd) })
	return fd
}

// TestFind compares the loopback interface with what package net reports.
func TestFind(t *testing.T) {
	fd := anySocket(t)
	lo, err := net.InterfaceByName("lo")
	require.NoError(t, err)
	if lo.Flags&net.FlagUp == 0 {
		t.Skip("needs loopback to be up")
	}
	d, err := netif.Find(fd, "lo")
	require.NoError(t, err)
	assert.Equal(t, netif.Device{Index: lo.Index, Kind: unix.ARPHRD_LOOPBACK, Running: true}, d)
	assert.NoError(t, d.WantEthernet())
	mtu, err := netif.MTU(fd, "lo")
	require.NoError(t, err)
	assert.Equal(t, lo.MTU, mtu)
}

func TestFindFails(t *testing.T) {
	runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		t.Skip("needs root and network namespaces:", err)
	}
	fd := anySocket(t)
	_, err := netif.Find(fd, "lo") // a new namespace's is down
	assert.ErrorIs(t, err, netif.ErrDown)
	assert.ErrorContains(t, err, `"ip link set lo up"`)
	_, err = netif.Find(fd, "nowhere0")
	assert.ErrorIs(t, err, unix.ENODEV)
	assert.ErrorContains(t, err, `"ip link" lists the interfaces`)
	_, err = netif.MTU(fd, "nowhere0")
	assert.ErrorIs(t, err, unix.ENODEV)
	_, err = netif.Find(fd, "a-name-longer-than-any")
	assert.ErrorIs(t, err, unix.EINVAL)
}

func TestWantEthernet(t *testing.T) {
	for kind, ok := range map[uint16]bool{unix.ARPHRD_ETHER: true, unix.ARPHRD_LOOPBACK: true, unix.ARPHRD_NONE: false, unix.ARPHRD_PPP: false} {
		d := netif.Device{Kind: kind}
		assert.Equal(t, ok, d.WantEthernet() == nil, "kind %d", kind)
	}
}
