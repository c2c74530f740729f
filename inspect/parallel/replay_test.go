package parallel

import (
	"errors"
	"io"
	"os"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect"
	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/forward"
)

// newReplay returns a replay with workers that share some memory.
func newReplay(t *testing.T, memory, workers int, src inspect.Source, out inspect.Sink) *Replay {
	r, err := New(inspect.Config{Memory: inspect.Share(memory)}, workers, src, out)
	require.NoError(t, err)
	return r
}

// endless is a Source that gives the same frame again and again, a millisecond apart and each time with another address, until end
// is set. It is a stream: it writes over what it gave.
type endless struct {
	frame []byte
	buf   [decap.BatchSize][]byte
	reads atomic.Int64
	end   atomic.Pointer[error]
	n     int
}

func newEndless() *endless {
	c := newConversation()
	c.packet(&c.client, &c.server, 0, decap.SYN, nil)
	return &endless{frame: c.frames[0].Data}
}

func (s *endless) Read(b *decap.Batch) error {
	b.N = 0
	if err := s.end.Load(); err != nil {
		return *err
	}
	for i := range s.buf {
		s.n++
		s.buf[i] = append(s.buf[i][:0], s.frame...)
		s.buf[i][28], s.buf[i][29] = byte(s.n>>8), byte(s.n) // of the source address
		b.D[i] = decap.Datagram{Data: s.buf[i], WireLen: len(s.frame), Nanos: 1e18 + int64(s.n)*1e6}
	}
	b.N = len(s.buf)
	s.reads.Add(1)
	return nil
}

// TestEndsWithItsSource: everything that was read is emitted, an error of the source is returned, and no goroutine stays.
func TestEndsWithItsSource(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	broken := errors.New("broken")
	for _, c := range []struct{ end, want error }{{broken, broken}, {os.ErrClosed, nil}, {io.EOF, nil}} {
		src, out := newEndless(), new(collected)
		replay := newReplay(t, 16<<20, 3, src, out)
		done := make(chan error)
		go func() { done <- replay.Run() }()
		require.Eventually(t, func() bool { return src.reads.Load() > 100 }, time.Minute, time.Millisecond)
		src.end.Store(&c.end)
		require.Equal(t, c.want, <-done)
		n := replay.Counters()
		require.EqualValues(t, src.reads.Load()*decap.BatchSize, n.Datagrams)
		require.Equal(t, n.Datagrams, n.Reasons[decap.OK])
		require.Equal(t, n.FlowsNew, n.Events[event.Flow])
		require.Len(t, out.printed(), int(n.Events[event.Flow]))
		require.Zero(t, n.FlowsActive)
	}
}

// gated is a Sink that lets nothing pass before it is opened.
type gated struct {
	open chan struct{}
	n    atomic.Int64
}

func (g *gated) Events(b *event.Batch) {
	<-g.open
	g.n.Add(int64(len(b.Events)))
	b.Release()
}

// TestWaitsForItsSink: reading stops when nothing is taken any more, and goes on when it is.
func TestWaitsForItsSink(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	src, out := newEndless(), &gated{open: make(chan struct{})}
	replay := newReplay(t, 8<<20, 2, src, out)
	done := make(chan error)
	go func() { done <- replay.Run() }()
	before := int64(-1)
	require.Eventually(t, func() bool {
		now := src.reads.Load()
		still := now == before && now > 0
		before = now
		return still
	}, time.Minute, 100*time.Millisecond)
	close(out.open)
	require.Eventually(t, func() bool { return src.reads.Load() > before+1000 }, time.Minute, time.Millisecond)
	end := io.EOF
	src.end.Store(&end)
	require.NoError(t, <-done)
	n := replay.Counters()
	require.EqualValues(t, n.Events[event.Flow], out.n.Load())
}

// TestEventsAreInOrder: events of packets come in the order of the packets, whichever worker saw them.
func TestEventsAreInOrder(t *testing.T) {
	var in frames
	c := newConversation()
	for i := range 300 {
		c.client.port = uint16(20000 + i)
		c.open()
		c.say(get)
		c.hear(ok)
	}
	in = c.frames
	out := new(collected)
	require.NoError(t, newReplay(t, 8<<20, 4, &in, out).Run())
	var at []int64
	for _, b := range out.batches {
		for i := range b.Events {
			if e := &b.Events[i]; e.Kind == event.AppLayer {
				at = append(at, e.Nanos)
			}
		}
	}
	require.Len(t, at, 300)
	require.True(t, slices.IsSorted(at))
}

func TestForwardingIsRefused(t *testing.T) {
	src := frames(nil)
	_, err := New(inspect.Config{Forward: &forward.Config{}}, 2, &src, new(collected))
	require.ErrorContains(t, err, "cannot forward")
}
