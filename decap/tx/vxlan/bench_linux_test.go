package vxlan

import (
	"fmt"
	"net"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/mirrorsink/mirrorsink/decap/mmsg"
	"github.com/mirrorsink/mirrorsink/decap/tx"
	"github.com/mirrorsink/mirrorsink/decap/tx/internal/txtest"
)

// listenDeaf returns a socket with next to no room, so that the cost of sending alone is measured.
func listenDeaf(t testing.TB) *net.UDPConn {
	c := listen(t)
	require.NoError(t, c.SetReadBuffer(1))
	return c
}

func TestSendAllocatesNothing(t *testing.T) {
	_, o := openOut(t, Config{Hosts: []string{listenDeaf(t).LocalAddr().String()}})
	frames := txtest.Batch(200)
	require.Zero(t, testing.AllocsPerRun(20, func() { txtest.SendAll(o, frames) }))
}

// newBare returns the least that sends a batch of datagrams: one socket, with headers and addresses made once.
func newBare(t testing.TB, to *net.UDPConn, frames []tx.Frame) *socket {
	sensors := []*sensor{newSensor("", to.LocalAddr().(*net.UDPAddr).AddrPort())}
	s, err := openSocket(true, sockaddrs(sensors, true))
	require.NoError(t, err)
	t.Cleanup(func() { s.close() })
	for i := range frames {
		s.put(frames[i].Head, frames[i].Tail, 0, pending{})
	}
	return s
}

// BenchmarkVXLAN measures the CPU time of a frame, in turns with a loop of sendmmsg that sends the same datagrams from one socket.
func BenchmarkVXLAN(b *testing.B) {
	for _, size := range []int{102, 542, 1442} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			to := listenDeaf(b)
			frames := txtest.Batch(size)
			plain := newBare(b, to, frames)
			_, o := openOut(b, Config{Hosts: []string{to.LocalAddr().String()}})
			var ours, theirs int64
			b.ReportAllocs()
			for b.Loop() {
				start := txtest.ThreadTime(b)
				if n, err := mmsg.Send(plain.fd, plain.msgs[:], unix.MSG_DONTWAIT); err != nil || n != maxBatch {
					b.Fatal(n, err)
				}
				middle := txtest.ThreadTime(b)
				txtest.SendAll(o, frames)
				ours += txtest.ThreadTime(b) - middle
				theirs += middle - start
			}
			n := float64(b.N * len(frames))
			b.ReportMetric(float64(ours)/n, "cpu-ns/frame")
			b.ReportMetric(float64(theirs)/n, "bare-cpu-ns/frame")
			b.ReportMetric(float64(theirs)/float64(ours), "of-bare")
		})
	}
}
