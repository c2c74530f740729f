package iface

import (
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
	"pgregory.net/rapid"

	"github.com/mirrorsink/mirrorsink/decap/tx"
)

// scriptedPort is a port whose calls succeed or fail as scripted.
type scriptedPort struct {
	errs []error // of the next calls; nil is for success
	took []byte  // the first byte of each frame that it took
}

func (m *scriptedPort) attach(*device) error { return nil }
func (m *scriptedPort) close() error         { return nil }

func (m *scriptedPort) send(q *queue, first int) (int, error) {
	if len(m.errs) > 0 {
		err := m.errs[0]
		m.errs = m.errs[1:]
		if err != nil {
			return 0, err
		}
	}
	n := min(2, q.n-first)
	for i := first; i < first+n; i++ {
		m.took = append(m.took, *q.parts[i][0].Base)
	}
	return n, nil
}

// newScriptedOut returns an Out whose port is scripted.
func newScriptedOut(errs []error, cfg Config) (*out, *scriptedPort, *target) {
	cfg.Log = slog.New(slog.DiscardHandler)
	target := newTarget("iface:", "lo", -1, cfg)
	target.link.find = func() (device, error) { return device{mtu: 1500}, nil }
	target.link.at.Store(&device{mtu: 1500})
	port := &scriptedPort{errs: errs}
	return &out{target: target, port: port}, port, target
}

// sendNumbered sends frames with the numbers from 0 to n-1 as their first bytes.
func sendNumbered(o *out, n int) {
	frames := make([][20]byte, n)
	o.limit = 1514
	for i := range frames {
		frames[i][0] = byte(i)
		o.Add(&tx.Frame{Tail: frames[i][:]})
	}
	o.Flush()
}

// TestOneFrameRefused: what the kernel does not take costs that frame, or all those for which there is no room either.
func TestOneFrameRefused(t *testing.T) {
	for _, c := range []struct {
		err  error
		took []byte
		loss tx.Loss
	}{
		{unix.EINTR, []byte{0, 1, 2, 3, 4}, tx.Losses},
		{unix.ENOBUFS, []byte{0, 1, 3, 4}, tx.QueueFull},
		{unix.EMSGSIZE, []byte{0, 1, 3, 4}, tx.Oversize},
		{unix.EAGAIN, []byte{0, 1}, tx.QueueFull},
		{unix.ENETDOWN, []byte{0, 1}, tx.Down},
		{unix.ENXIO, []byte{0, 1}, tx.Down},
		{unix.EIO, []byte{0, 1}, tx.Down},
	} {
		t.Run(c.err.Error(), func(t *testing.T) {
			o, port, target := newScriptedOut([]error{nil, c.err}, Config{})
			sendNumbered(o, 5)
			require.Equal(t, c.took, port.took)
			want := tx.Counts{Frames: uint64(len(c.took)), Bytes: 20 * uint64(len(c.took))}
			if c.loss != tx.Losses {
				want.Dropped[c.loss] = 5 - want.Frames
			}
			if c.loss == tx.Down {
				want.Outages = 1
			}
			require.Equal(t, want, target.Counts())
		})
	}
}

// TestWaitLosesNothing: with Wait a full queue is tried again.
func TestWaitLosesNothing(t *testing.T) {
	o, port, target := newScriptedOut([]error{unix.EAGAIN, nil, unix.ENOBUFS, unix.ENOBUFS, nil, unix.EAGAIN}, Config{Wait: true})
	sendNumbered(o, 6)
	require.Equal(t, []byte{0, 1, 2, 3, 4, 5}, port.took)
	require.Equal(t, tx.Counts{Frames: 6, Bytes: 120}, target.Counts())
}

// TestEveryFrameIsCountedOnce: whatever the kernel returns, frames are sent in order and at most once, and each is sent or dropped.
func TestEveryFrameIsCountedOnce(t *testing.T) {
	outcomes := []error{nil, nil, unix.EINTR, unix.EAGAIN, unix.ENOBUFS, unix.ENOMEM, unix.EMSGSIZE, unix.ENXIO, unix.EPERM}
	rapid.Check(t, func(t *rapid.T) {
		errs := rapid.SliceOf(rapid.SampledFrom(outcomes)).Draw(t, "errs")
		n := rapid.IntRange(0, 200).Draw(t, "n")
		o, port, target := newScriptedOut(errs, Config{})
		sendNumbered(o, n)
		counts := target.Counts()
		total := counts.Frames
		for _, dropped := range counts.Dropped {
			total += dropped
		}
		require.EqualValues(t, n, total)
		require.Len(t, port.took, int(counts.Frames))
		for i := 1; i < len(port.took); i++ {
			require.Greater(t, port.took[i], port.took[i-1])
		}
		require.Zero(t, o.queue.n)
		require.Zero(t, o.queue.parts, "nothing is held")
	})
}
