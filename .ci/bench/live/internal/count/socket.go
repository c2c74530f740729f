package count

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/mirrorsink/mirrorsink/.ci/bench/live/internal/metrics"
	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/decap/mmsg"
)

// batch is the number of datagrams per system call.
const batch = 64

// pauseWhenIdle is the pause of an idle socket reader, the same as mirrorsink's.
const pauseWhenIdle = 200 * time.Microsecond

// countSocket counts the datagrams of recvmmsg(2), the least work that a Go program can do with a socket. It requests neither
// senders nor times.
func countSocket(ctx context.Context) error {
	fd, err := openSocket()
	if err != nil {
		return err
	}
	var received atomic.Uint64
	metrics.Serve(received.Load, func() uint64 { return socketDrops(fd) })
	var messages [batch]mmsg.Header
	var vectors [batch]unix.Iovec
	const slot = 10 << 10 // more than wire.MTU
	memory := make([]byte, batch*slot)
	for i := range messages {
		vectors[i].Base = &memory[i*slot]
		vectors[i].SetLen(slot)
		messages[i].Iov = &vectors[i]
		messages[i].SetIovlen(1)
	}
	for ctx.Err() == nil {
		n, err := mmsg.Receive(fd, messages[:], unix.MSG_DONTWAIT)
		switch err { //nolint:errorlint // a system call's own error
		case nil:
			received.Add(uint64(n))
		case unix.EAGAIN:
			pause := unix.NsecToTimespec(int64(pauseWhenIdle)) // the kernel overwrites it
			_, _ = unix.Ppoll(nil, &pause, nil)
		case unix.EINTR:
		default:
			return fmt.Errorf("receive: %w", err)
		}
	}
	return unix.Close(fd)
}

func openSocket() (fd int, err error) {
	fd, err = unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	err = errors.Join(unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, bufferSize),
		unix.Bind(fd, &unix.SockaddrInet4{Port: decap.PortVXLAN}))
	return fd, err
}

// socketDrops returns the kernel's drop counter of a socket. It has 32 bits, which no run exceeds.
func socketDrops(fd int) uint64 {
	var info [unix.SK_MEMINFO_VARS]uint32
	size := uint32(unsafe.Sizeof(info))
	_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(fd), unix.SOL_SOCKET, unix.SO_MEMINFO,
		uintptr(unsafe.Pointer(&info)), uintptr(unsafe.Pointer(&size)), 0)
	if errno != 0 {
		return 0
	}
	return uint64(info[unix.SK_MEMINFO_DROPS])
}
