package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mirrorsink/mirrorsink/decap/mmsg"
)

const (
	fullBatch  = 64 // frames per system call
	pacedBatch = 16 // at a fixed rate: small bursts, which any buffer holds
)

// A generator sends a load into the wire from a thread on the sending CPU.
type generator struct {
	sent  atomic.Uint64 // frames that the wire accepted; it drops some of them if the receiver is behind
	stop  atomic.Bool
	ended chan error
}

// generate starts to send at a rate in frames per second; 0 is the maximum.
func (w *wire) generate(l *load, rate float64) (*generator, error) {
	device, err := net.InterfaceByName(w.sender)
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
	g := &generator{ended: make(chan error, 1)}
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		err := errors.Join(pin(0, w.sendingCPU), unix.Setpriority(unix.PRIO_PROCESS, 0, niceness))
		if err == nil {
			err = g.run(fd, l, rate)
		}
		g.ended <- errors.Join(err, unix.Close(fd))
	}()
	return g, nil
}

// run sends until it is stopped.
func (g *generator) run(fd int, l *load, rate float64) error {
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
			frame := l.take(next)
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

// maxDelay is the delay that a generator makes up for. It drops a longer delay, since the burst would be lost.
const maxDelay = time.Millisecond

// awaitTime waits for a time without sleeping, since a sleep takes longer than the pause. It returns the time, or a later one if
// the delay exceeds maxDelay.
func awaitTime(due time.Time) time.Time {
	for {
		switch late := time.Since(due); {
		case late > maxDelay:
			return due.Add(late - maxDelay)
		case late >= 0:
			return due
		}
	}
}

// sendAll sends messages, and returns how many the wire accepted. It drops messages that the wire has no room for.
func sendAll(fd int, messages []mmsg.Header) (taken int, err error) {
	for len(messages) > 0 {
		n, err := mmsg.Send(fd, messages, 0)
		switch err { //nolint:errorlint // a system call's own error
		case nil:
			taken += n
			messages = messages[n:]
		case unix.ENOBUFS:
			messages = messages[1:]
		case unix.EINTR, unix.EAGAIN:
		default:
			return taken, err
		}
	}
	return taken, nil
}

// started waits until the first packet is sent.
func (g *generator) started(ctx context.Context) error {
	for g.sent.Load() == 0 {
		select {
		case err := <-g.ended:
			g.ended <- err
			return err
		default:
		}
		if err := sleep(ctx, time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}

// end stops the generator and waits for it.
func (g *generator) end() error {
	g.stop.Store(true)
	return <-g.ended
}
