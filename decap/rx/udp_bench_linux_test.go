package rx

import (
	"net"
	"net/netip"
	"runtime"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/mirrorsink/mirrorsink/decap"
)

// readFull sends a batch of datagrams and reads it. It returns the CPU time that reading took, in nanoseconds; the
// caller has locked the thread.
func readFull(t testing.TB, u *UDP, conn *net.UDPConn, payload []byte, b *decap.Batch) int64 {
	for range decap.BatchSize {
		send(t, conn, payload)
	}
	start := threadTime(t)
	for got := 0; got < decap.BatchSize; got += b.N {
		readSome(t, u, b)
	}
	return threadTime(t) - start
}

func threadTime(t testing.TB) int64 {
	var ts unix.Timespec
	require.NoError(t, unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &ts))
	return ts.Nano()
}

func TestUDPReadAllocatesNothing(t *testing.T) {
	allocates := func(t *testing.T, u *UDP) {
		conn := dial(t, netip.AddrPortFrom(loopback4.Addr(), u.Addr().Port()))
		payload := make([]byte, 200)
		var b decap.Batch
		assert.Zero(t, testing.AllocsPerRun(20, func() { readFull(t, u, conn, payload, &b) }))
		assert.Zero(t, testing.AllocsPerRun(1, func() { _ = u.Read(&b) }), "an empty batch")
	}
	t.Run("IPv4", func(t *testing.T) { allocates(t, listen(t, UDPConfig{})[0]) })
	t.Run("IPv4 on an IPv6 socket", func(t *testing.T) { allocates(t, listen6(t, "[::]:0")) })
}

// BenchmarkUDPRead measures the reader's CPU time for full batches: the system call with its copies, and filling the batch.
func BenchmarkUDPRead(b *testing.B) {
	for _, size := range []int{200, 1500, 9000} {
		b.Run(strconv.Itoa(size), func(b *testing.B) {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			u := listen(b, UDPConfig{ReceiveBuffer: 4 << 20})[0]
			conn := dial(b, u.Addr())
			payload := make([]byte, size)
			var batch decap.Batch
			var cpu int64
			b.ReportAllocs()
			for b.Loop() {
				cpu += readFull(b, u, conn, payload, &batch)
			}
			require.Zero(b, u.Drops())
			b.ReportMetric(float64(cpu)/float64(b.N*decap.BatchSize), "cpu-ns/datagram")
		})
	}
}
