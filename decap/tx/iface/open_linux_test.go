package iface_test

import (
	"net"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/mirrorsink/mirrorsink/decap/tx"
	"github.com/mirrorsink/mirrorsink/decap/tx/iface"
	"github.com/mirrorsink/mirrorsink/decap/tx/internal/txtest"
)

func TestTargetsThatCannotBe(t *testing.T) {
	txtest.Namespace(t)
	refused := func(open func(string, iface.Config) (tx.Target, error), name, want string) {
		t.Helper()
		_, err := open(name, iface.Config{})
		if assert.ErrorContains(t, err, want) {
			assert.NotContains(t, err.Error(), "\n")
		}
	}
	for _, name := range []string{"", "a/b", "tap%d", "..", "sixteen-letters-", "a b"} {
		refused(iface.Open, name, "cannot be the name of an interface")
		refused(iface.OpenTap, name, "cannot be the name of an interface")
	}
	refused(iface.Open, "nowhere", "lists the interfaces")
	addVeth(t, "there", "other")
	refused(iface.OpenTap, "there", "there is an interface there already")
	setUp(t, "there", false)
	refused(iface.Open, "there", "the interface is down (\"ip link set there up\")")
}

// TestTargetsNameTheCapability opens targets on threads that lack one.
func TestTargetsNameTheCapability(t *testing.T) {
	without := func(capability uint, open func(string, iface.Config) (tx.Target, error), want string) {
		var thread sync.WaitGroup
		thread.Go(func() {
			runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
			header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
			var data [2]unix.CapUserData
			if assert.NoError(t, unix.Capget(&header, &data[0])) {
				data[0].Effective &^= 1 << capability
				assert.NoError(t, unix.Capset(&header, &data[0]))
				_, err := open("mirror0", iface.Config{})
				assert.ErrorContains(t, err, want)
			}
		})
		thread.Wait()
	}
	without(unix.CAP_NET_RAW, iface.Open, "needs CAP_NET_RAW")
	if unix.Access("/dev/net/tun", unix.R_OK|unix.W_OK) != nil {
		t.Skip("needs /dev/net/tun")
	}
	without(unix.CAP_NET_ADMIN, iface.OpenTap, "needs CAP_NET_ADMIN")
}

// TestTapIsQuietAndGoes: a tap is up and has no address, and is gone when it is closed.
func TestTapIsQuietAndGoes(t *testing.T) {
	txtest.Namespace(t)
	p := places()[2]
	target := p.open(t, iface.Config{})
	out, err := target.Open()
	require.NoError(t, err)
	tap, err := net.InterfaceByName(p.name)
	require.NoError(t, err)
	assert.GreaterOrEqual(t, tap.MTU, 9001+8)
	flags := flagsOf(t, p.name)
	assert.Equal(t, uint16(unix.IFF_UP|unix.IFF_NOARP), flags&(unix.IFF_UP|unix.IFF_NOARP))
	addresses, err := tap.Addrs()
	require.NoError(t, err)
	assert.Empty(t, addresses)
	require.NoError(t, out.Close())
	require.NoError(t, target.Close())
	_, err = net.InterfaceByName(p.name)
	assert.Error(t, err)
}

// overCheck is more than the second after which an interface is looked for again.
const overCheck = 1100 * time.Millisecond

// TestTapDoesNotTakeOver: who made an interface of the name of a tap that was deleted keeps it, and the tap comes when it goes.
func TestTapDoesNotTakeOver(t *testing.T) {
	txtest.Namespace(t)
	p := places()[2]
	target, out := p.openOut(t, iface.Config{Log: new(txtest.Log).Logger()})
	send := func() uint64 {
		before := target.Counts().Frames
		out.Add(&tx.Frame{Tail: plainFrame(1, 100)})
		out.Flush()
		return target.Counts().Frames - before
	}
	require.EqualValues(t, 1, send())
	deleteLink(t, p.name)
	addVeth(t, p.name, "other")
	far := read(t, p.name)
	for range 2 {
		require.Zero(t, send())
		time.Sleep(overCheck)
	}
	require.Zero(t, far.drain())
	deleteLink(t, p.name)
	time.Sleep(overCheck)
	require.EqualValues(t, 1, send())
}
