package load

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mirrorsink/mirrorsink/.ci/bench/live/internal/wire"
	"github.com/mirrorsink/mirrorsink/decap/mmsg"
)

const (
	fullBatch  = 64 // frames per system call
	pacedBatch = 16 // at a fixed rate: small bursts, which any buffer holds
)

// A Generator sends a load into the wire from a thread on the sending CPU.
type Generator struct {
	sent  atomic.Uint64 // frames that the wire accepted; it drops some of them if the receiver is behind
	stop  atomic.Bool
	ended chan error
}

// Start starts to send at a rate in frames per second; 0 is the maximum.
func Start(w *wire.Wire, l *Frames, rate float64) (*Generator, error) {
	device, err := net.InterfaceByName(w.Sender)
	if err != nil {
		return nil, err
	}
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("create packet socket: %w", err)
	}
	err = errors.Join(unix.Bind(fd, &unix.SockaddrLinklayer{Ifindex: device.Index}),
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, 32<<20),
		unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_QDISC_BYPASS, 1))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("packet socket: %w", err), unix.Close(fd))
	}
	g := &Generator{ended: make(chan error, 1)}
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		err := errors.Join(wire.Pin(0, w.SendingCPU), unix.Setpriority(unix.PRIO_PROCESS, 0, wire.Niceness))
		if err == nil {
			err = g.run(fd, l, rate)
		}
		g.ended <- errors.Join(err, unix.Close(fd))
	}()
	return g, nil
}

// run sends until it is stopped.
func (g *Generator) run(fd int, l *Frames, rate float64) error {
	var messages [fullBatch]mmsg.Header
	var vectors [fullBatch]unix.Iovec
	for i := range messages {
		messages[i].Iov = &vectors[i]
		messages[i].SetIovlen(1)
	}
	size := fullBatch
	if rate > 0 {
		size = pacedBatch
	}
	due, next := time.Now(), 0
	for sent := uint64(0); !g.stop.Load(); g.sent.Store(sent) {
		if rate > 0 {
			due = awaitTime(due).Add(time.Duration(float64(size) / rate * float64(time.Second)))
		}
		for i := range size {
			frame := l.next(next)
			vectors[i].Base = &frame[0]
			vectors[i].SetLen(len(frame))
			next = (next + 1) % len(l.frames)
		}
		n, err := sendAll(fd, messages[:size])
		if err != nil {
			return fmt.Errorf("send: %w", err)
		}
		sent += uint64(n)
	}
	return nil
}

// AwaitFirst waits until the first packet is sent.
func (g *Generator) AwaitFirst(ctx context.Context) error {
	for g.sent.Load() == 0 {
		select {
		case err := <-g.ended:
			g.ended <- err
			return err
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Millisecond):
		}
	}
	return nil
}

// End stops the generator and waits for it.
func (g *Generator) End() error {
	g.stop.Store(true)
	return <-g.ended
}

// Sent returns the number of frames that the wire accepted.
func (g *Generator) Sent() uint64 { return g.sent.Load() }
