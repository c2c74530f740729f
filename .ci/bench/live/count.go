package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"os"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/decap/mmsg"
	"github.com/mirrorsink/mirrorsink/decap/rx"
)

// The ways of receiving, by which others are measured that do more.
const (
	byRecvmmsg    = "recvmmsg"
	byRing        = "ring"
	byRingAndDrop = "ring-tc"
)

// bufferSize is of every socket and every ring, also of those that only count: mirrorsink's default.
const bufferSize = 16 << 20

// anyAddress is what mirrorsink listens on by default.
var anyAddress = netip.AddrPortFrom(netip.IPv4Unspecified(), decap.PortVXLAN)

// countOnly counts datagrams until ctx ends, and says how many at metricsAddr as mirrorsink would.
func countOnly(ctx context.Context, way, device string) error {
	switch way {
	case byRecvmmsg:
		return countSocket(ctx)
	case byRing, byRingAndDrop:
		return countRing(ctx, rx.RingConfig{
			Interface: device, Addr: anyAddress, Size: bufferSize, Link: decap.LinkVXLAN, DropBehind: way == byRingAndDrop,
		})
	}
	return fmt.Errorf("there is no way %q to count: there are %s, %s and %s", way, byRecvmmsg, byRing, byRingAndDrop)
}

// countRing counts what our own ring gives.
func countRing(ctx context.Context, cfg rx.RingConfig) error {
	rings, err := rx.ListenRing(cfg)
	if err != nil {
		return err
	}
	ring := rings[0]
	defer ring.Close() // which waits for the one below: the drop must be gone when the process is
	context.AfterFunc(ctx, func() { _ = ring.Close() })
	serveCounts(ring.Received, ring.Drops)
	var b decap.Batch
	for {
		if err := ring.Read(&b); errors.Is(err, os.ErrClosed) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// pauseWhenIdle is how long a socket's counting reader sleeps when there is nothing, as long as ours.
const pauseWhenIdle = 200 * time.Microsecond

// countSocket counts what recvmmsg(2) gives: the least that a program in Go can do with a socket. It asks for no sender and no time
// of arrival.
func countSocket(ctx context.Context) error {
	fd, err := openSocket()
	if err != nil {
		return err
	}
	var received atomic.Uint64
	serveCounts(received.Load, func() uint64 { return socketDrops(fd) })
	var messages [fullBatch]mmsg.Header
	var vectors [fullBatch]unix.Iovec
	const slot = 10 << 10 // more than wireMTU
	memory := make([]byte, fullBatch*slot)
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
			pause := unix.NsecToTimespec(int64(pauseWhenIdle)) // which the kernel overwrites
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

// socketDrops asks for what the kernel dropped at a socket, which it counts in 32 bits; no run is that long.
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

// serveCounts answers at metricsAddr with the two counters, under mirrorsink's names for them, for as long as the process lives.
func serveCounts(received, drops func() uint64) {
	answer := func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "%s %d\n%s %d\n", receivedMetric, received(), dropsMetric, drops())
	}
	go func() {
		fmt.Fprintln(os.Stderr, http.ListenAndServe(metricsAddr, http.HandlerFunc(answer)))
		os.Exit(1)
	}()
}
