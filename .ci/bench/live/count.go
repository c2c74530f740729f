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

// The methods of receiving of the readers that only count.
const (
	byRecvmmsg    = "recvmmsg"
	byRing        = "ring"
	byRingAndDrop = "ring-tc"
)

// bufferSize is the size of every socket buffer and every ring: mirrorsink's default.
const bufferSize = 16 << 20

// anyAddress is mirrorsink's default address.
var anyAddress = netip.AddrPortFrom(netip.IPv4Unspecified(), decap.PortVXLAN)

// countOnly counts datagrams until ctx ends, and serves the counts at metricsAddr like mirrorsink.
func countOnly(ctx context.Context, method, device string) error {
	switch method {
	case byRecvmmsg:
		return countSocket(ctx)
	case byRing, byRingAndDrop:
		return countRing(ctx, rx.RingConfig{
			Interface: device, Addr: anyAddress, Size: bufferSize, Link: decap.LinkVXLAN, DropBehind: method == byRingAndDrop,
		})
	}
	return fmt.Errorf("no method %q: want %s, %s or %s", method, byRecvmmsg, byRing, byRingAndDrop)
}

// countRing counts the datagrams of package rx's ring.
func countRing(ctx context.Context, cfg rx.RingConfig) error {
	rings, err := rx.ListenRing(cfg)
	if err != nil {
		return err
	}
	ring := rings[0]
	defer ring.Close() // waits for the close below: the drop filter must be removed before the process ends
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

// serveCounts serves the two counters at metricsAddr under mirrorsink's names.
func serveCounts(received, drops func() uint64) {
	answer := func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "%s %d\n%s %d\n", receivedMetric, received(), dropsMetric, drops())
	}
	go func() {
		fmt.Fprintln(os.Stderr, http.ListenAndServe(metricsAddr, http.HandlerFunc(answer)))
		os.Exit(1)
	}()
}
