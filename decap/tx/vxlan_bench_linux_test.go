package tx

import (
	"fmt"
	"net"
	"runtime"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// deaf is a socket that takes what it has room for, which is next to nothing, so that the sender's work alone is measured.
func deaf(t testing.TB) *net.UDPConn {
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	require.NoError(t, c.SetReadBuffer(1))
	return c
}

func threadTime(t testing.TB) int64 {
	var ts unix.Timespec
	require.NoError(t, unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &ts))
	return ts.Nano()
}

func TestVXLANAllocatesNothing(t *testing.T) {
	_, o := openOut(t, VXLANConfig{Hosts: []string{deaf(t).LocalAddr().String()}})
	frames := batchOf(200)
	require.Zero(t, testing.AllocsPerRun(20, func() { sendAll(o, frames) }))
}

// bare is the least that sends a batch of datagrams: one socket, headers and addresses made once.
type bare struct{ *lane }

func newBare(t testing.TB, to *net.UDPConn, frames []Frame) *bare {
	sensors := []*sensor{newSensor("", to.LocalAddr().(*net.UDPAddr).AddrPort())}
	l, err := openLane(true, sockaddrs(sensors, true))
	require.NoError(t, err)
	t.Cleanup(func() { l.close() })
	for i := range frames {
		l.put(&frames[i], 0, slot{})
	}
	return &bare{l}
}

func (b *bare) send(t testing.TB) {
	n, _, errno := unix.Syscall6(unix.SYS_SENDMMSG, uintptr(b.fd), uintptr(unsafe.Pointer(&b.msgs[0])), burst, unix.MSG_DONTWAIT, 0, 0)
	if errno != 0 || n != burst {
		t.Fatal(n, errno)
	}
}

// BenchmarkVXLAN measures the CPU time of a frame, in turns with a loop of sendmmsg of the same datagrams from one socket.
func BenchmarkVXLAN(b *testing.B) {
	for _, size := range []int{102, 542, 1442} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			to := deaf(b)
			frames := batchOf(size)
			plain := newBare(b, to, frames)
			_, o := openOut(b, VXLANConfig{Hosts: []string{to.LocalAddr().String()}})
			var ours, theirs int64
			b.ReportAllocs()
			for b.Loop() {
				start := threadTime(b)
				plain.send(b)
				middle := threadTime(b)
				sendAll(o, frames)
				ours += threadTime(b) - middle
				theirs += middle - start
			}
			n := float64(b.N * len(frames))
			b.ReportMetric(float64(ours)/n, "cpu-ns/frame")
			b.ReportMetric(float64(theirs)/n, "bare-cpu-ns/frame")
			b.ReportMetric(float64(theirs)/float64(ours), "of-bare")
		})
	}
}
