package iface_test

import (
	"fmt"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/decap/mmsg"
	"github.com/mirrorsink/mirrorsink/decap/tx"
	"github.com/mirrorsink/mirrorsink/decap/tx/iface"
	"github.com/mirrorsink/mirrorsink/decap/tx/internal/txtest"
)

// BenchmarkInterface measures the CPU time that a frame into an interface costs, in turns with a minimal loop that puts the same frames
// there: of sendmmsg, or of write into a tap. Nobody reads the frames. Half of them are in two parts, like frames that get a tag; those
// of the loop are in one.
func BenchmarkInterface(b *testing.B) {
	for _, p := range places() {
		if p.name == p.far && p.kind != "tap" {
			continue
		}
		for _, c := range []struct{ size, head int }{{102, 0}, {542, 0}, {1442, 0}, {102, 18}, {542, 18}, {1442, 18}} {
			b.Run(fmt.Sprintf("%s/%d/%d", p.kind, c.size, c.head), func(b *testing.B) {
				txtest.Namespace(b)
				_, out := p.openOut(b, iface.Config{})
				frame := plainFrame(1, c.size)
				bare := openBare(b, p, frame)
				f := &tx.Frame{Head: frame[:c.head], Tail: frame[c.head:]}
				var ours, theirs int64
				b.ReportAllocs()
				for b.Loop() {
					start := txtest.ThreadTime(b)
					bare()
					middle := txtest.ThreadTime(b)
					for range decap.BatchSize {
						out.Add(f)
					}
					out.Flush()
					ours += txtest.ThreadTime(b) - middle
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
	msgs := make([]mmsg.Header, decap.BatchSize)
	for i := range msgs {
		m := &msgs[i].Msghdr
		m.Name, m.Namelen, m.Iov = (*byte)(unsafe.Pointer(to)), unix.SizeofSockaddrLinklayer, part
		m.SetIovlen(1)
	}
	return func() {
		if n, err := mmsg.Send(fd, msgs, unix.MSG_DONTWAIT); err != nil || n != decap.BatchSize {
			t.Fatal(n, err)
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
