package tx

import (
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
	"pgregory.net/rapid"
)

// moody is a way that takes some frames and refuses others, as it was told to.
type moody struct {
	errs []error // of the next calls; nil is for success
	took []byte  // the first byte of each frame that it took
}

func (m *moody) attach(*device) error { return nil }
func (m *moody) close() error         { return nil }

func (m *moody) send(q *queue, first int) (int, error) {
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

// newMoodyOut returns an Out by a moody way.
func newMoodyOut(errs []error, cfg IfaceConfig) (*netOut, *moody, *netTarget) {
	cfg.Log = slog.New(slog.DiscardHandler)
	target := newNetTarget("iface:", "lo", -1, cfg)
	target.link.find = func() (device, error) { return device{mtu: 1500}, nil }
	target.link.at.Store(&device{mtu: 1500})
	way := &moody{errs: errs}
	return &netOut{target: target, way: way, lost: Losses}, way, target
}

// send sends frames with the numbers from 0 to n-1 as their first bytes.
func sendNumbered(o *netOut, n int) {
	frames := make([][20]byte, n)
	o.limit = 1514
	for i := range frames {
		frames[i][0] = byte(i)
		o.Add(&Frame{Tail: frames[i][:]})
	}
	o.Flush()
}

// TestOneFrameRefused: what the kernel does not take costs that frame, or all those for which there is no room either.
func TestOneFrameRefused(t *testing.T) {
	for _, c := range []struct {
		err  error
		took []byte
		loss Loss
	}{
		{unix.EINTR, []byte{0, 1, 2, 3, 4}, Losses},
		{unix.ENOBUFS, []byte{0, 1, 3, 4}, Busy},
		{unix.EMSGSIZE, []byte{0, 1, 3, 4}, Oversize},
		{unix.EAGAIN, []byte{0, 1}, Busy},
		{unix.ENETDOWN, []byte{0, 1}, Down},
		{unix.ENXIO, []byte{0, 1}, Down},
		{unix.EIO, []byte{0, 1}, Down},
	} {
		t.Run(c.err.Error(), func(t *testing.T) {
			o, way, target := newMoodyOut([]error{nil, c.err}, IfaceConfig{})
			sendNumbered(o, 5)
			require.Equal(t, c.took, way.took)
			want := Counts{Frames: uint64(len(c.took)), Bytes: 20 * uint64(len(c.took))}
			if c.loss != Losses {
				want.Dropped[c.loss] = 5 - want.Frames
			}
			if c.loss == Down {
				want.Outages = 1
			}
			require.Equal(t, want, target.Counts())
		})
	}
}

// TestWaitLosesNothing: with Wait a full queue is tried again.
func TestWaitLosesNothing(t *testing.T) {
	o, way, target := newMoodyOut([]error{unix.EAGAIN, nil, unix.ENOBUFS, unix.ENOBUFS, nil, unix.EAGAIN}, IfaceConfig{Wait: true})
	sendNumbered(o, 6)
	require.Equal(t, []byte{0, 1, 2, 3, 4, 5}, way.took)
	require.Equal(t, Counts{Frames: 6, Bytes: 120}, target.Counts())
}

// TestEveryFrameIsCountedOnce: whatever the kernel says, frames go in order and at most once, and each is sent or dropped.
func TestEveryFrameIsCountedOnce(t *testing.T) {
	outcomes := []error{nil, nil, unix.EINTR, unix.EAGAIN, unix.ENOBUFS, unix.ENOMEM, unix.EMSGSIZE, unix.ENXIO, unix.EPERM}
	rapid.Check(t, func(t *rapid.T) {
		errs := rapid.SliceOf(rapid.SampledFrom(outcomes)).Draw(t, "errs")
		n := rapid.IntRange(0, 200).Draw(t, "n")
		o, way, target := newMoodyOut(errs, IfaceConfig{})
		sendNumbered(o, n)
		counts := target.Counts()
		total := counts.Frames
		for _, dropped := range counts.Dropped {
			total += dropped
		}
		require.EqualValues(t, n, total)
		require.Len(t, way.took, int(counts.Frames))
		for i := 1; i < len(way.took); i++ {
			require.Greater(t, way.took[i], way.took[i-1])
		}
		require.Zero(t, o.queue.n)
		require.Zero(t, o.queue.parts, "nothing is held")
	})
}
