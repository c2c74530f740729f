package tx_test

import (
	"fmt"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/decap/tx"
)

// BenchmarkInterface measures the CPU time of a frame in an interface, in turns with the least that puts the same frames there: a loop of
// sendmmsg, or of write into a tap. Nobody reads them. Half of them are
// in two parts, as those are that get a tag; the loop has all in one.
func BenchmarkInterface(b *testing.B) {
	for _, p := range places() {
		if p.name == p.far && p.kind != "tap" {
			continue
		}
		for _, c := range []struct{ size, head int }{{102, 0}, {542, 0}, {1442, 0}, {102, 18}, {542, 18}, {1442, 18}} {
			b.Run(fmt.Sprintf("%s/%d/%d", p.kind, c.size, c.head), func(b *testing.B) {
				alone(b)
				_, out := p.openOut(b, tx.IfaceConfig{})
				frame := plainFrame(1, c.size)
				bare := openBare(b, p, frame)
				f := &tx.Frame{Head: frame[:c.head], Tail: frame[c.head:]}
				var ours, theirs int64
				b.ReportAllocs()
				for b.Loop() {
					start := threadTime(b)
					bare()
					middle := threadTime(b)
					for range decap.BatchSize {
						out.Add(f)
					}
					out.Flush()
					ours += threadTime(b) - middle
					theirs += middle - start
				}
				n := float64(b.N * decap.BatchSize)
				b.ReportMetric(float64(ours)/n, "cpu-ns/frame")
				b.ReportMetric(float64(theirs)/n, "bare-cpu-ns/frame")
				b.ReportMetric(float64(theirs)/float64(ours), "of-bare")
			})
		}
	}
}

func threadTime(t testing.TB) int64 {
	var ts unix.Timespec
	require.NoError(t, unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &ts))
	return ts.Nano()
}

// openBare returns what puts a batch of the same frame into a place.
func openBare(t testing.TB, p place, frame []byte) func() {
	if p.kind == "tap" {
		return openBareTap(t, p.name, frame)
	}
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	require.NoError(t, err)
	t.Cleanup(func() { _ = unix.Close(fd) })
	at := configure(t, p.name, unix.SIOCGIFINDEX, func(*unix.Ifreq) {}).Uint32()
	to := &unix.RawSockaddrLinklayer{Family: unix.AF_PACKET, Ifindex: int32(at)}
	part := &unix.Iovec{Base: &frame[0]}
	part.SetLen(len(frame))
	msgs := make([]struct {
		unix.Msghdr
		len uint32
	}, decap.BatchSize)
	for i := range msgs {
		m := &msgs[i].Msghdr
		m.Name, m.Namelen, m.Iov = (*byte)(unsafe.Pointer(to)), unix.SizeofSockaddrLinklayer, part
		m.SetIovlen(1)
	}
	return func() {
		n, _, errno := unix.Syscall6(unix.SYS_SENDMMSG, uintptr(fd), uintptr(unsafe.Pointer(&msgs[0])), decap.BatchSize, unix.MSG_DONTWAIT, 0, 0)
		if errno != 0 || n != decap.BatchSize {
			t.Fatal(n, errno)
		}
	}
}

func openBareTap(t testing.TB, name string, frame []byte) func() {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	require.NoError(t, err)
	t.Cleanup(func() { _ = unix.Close(fd) })
	request, err := unix.NewIfreq(name)
	require.NoError(t, err)
	request.SetUint16(unix.IFF_TAP | unix.IFF_NO_PI | unix.IFF_MULTI_QUEUE)
	require.NoError(t, unix.IoctlIfreq(fd, unix.TUNSETIFF, request))
	return func() {
		for range decap.BatchSize {
			if n, _, errno := unix.RawSyscall(unix.SYS_WRITE, uintptr(fd), uintptr(unsafe.Pointer(&frame[0])), uintptr(len(frame))); errno != 0 || int(n) != len(frame) {
				t.Fatal(n, errno)
			}
		}
	}
}
