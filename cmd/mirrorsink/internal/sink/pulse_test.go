package sink

import (
	"context"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/notify/notifytest"
	"github.com/mirrorsink/mirrorsink/decap"
)

// stuck is a source whose worker reads once more and then no more, as one in an endless loop, until it is released.
type stuck struct {
	source
	reading chan struct{} // closed when the worker is stuck
	release chan struct{}
	was     bool
}

func (s *stuck) Read(b *decap.Batch) error {
	if !s.was {
		s.was = true
		close(s.reading)
		<-s.release
	}
	return s.source.Read(b)
}

// TestPulse: the workers are alive if each has read since the last look, whether or not something came.
func TestPulse(t *testing.T) {
	quiet := func() source { return &stuck{source: newWire(), was: true} }
	var p pulse
	assert.True(t, p.alive(), "there is no worker")
	groups := p.feel([][]source{{quiet(), quiet()}, {quiet()}})
	read := func(group, n int) { require.NoError(t, groups[group][n].Read(new(decap.Batch))) }
	assert.False(t, p.alive(), "none has begun")
	read(0, 0)
	read(0, 1)
	assert.False(t, p.alive(), "one has not begun")
	read(1, 0)
	assert.False(t, p.alive(), "the others have not gone on")
	for range 2 {
		read(0, 0)
		read(0, 1)
		read(1, 0)
	}
	assert.True(t, p.alive())
	assert.False(t, p.alive())
	require.NoError(t, groups[1][0].Close())
	require.ErrorIs(t, groups[1][0].Read(new(decap.Batch)), os.ErrClosed)
}

// lineChannel passes what is logged on.
type lineChannel chan string

func (c lineChannel) Write(p []byte) (int, error) {
	c <- string(p)
	return len(p), nil
}

// TestServiceManager: a sink tells it when it receives and when it ends, and sends signs of life while all of its workers go on.
func TestServiceManager(t *testing.T) {
	manager := notifytest.Listen(t, 600*time.Millisecond)
	opts := DefaultListenConfig()
	opts.Memory, opts.StatsInterval, opts.Deadline = 64<<20, 0, 2*time.Second
	logged := make(chan string, 100)
	l, err := OpenListener(t.Context(), opts, nil, slog.New(slog.NewTextHandler(lineChannel(logged), nil)))
	require.NoError(t, err)
	s := &stuck{source: newWire(), reading: make(chan struct{}), release: make(chan struct{})}
	l.groups = [][]source{{newWire(), s}}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- l.Run(ctx) }()
	require.True(t, strings.HasPrefix(manager.Next(), "READY=1\nSTATUS=receiving on "))
	<-s.reading
	for !strings.Contains(<-logged, "the work does not go on") {
		continue
	}
	close(s.release)
	manager.Await("WATCHDOG=1")
	stop()
	assert.Contains(t, manager.Await("STOPPING=1"), "STATUS=draining\nEXTEND_TIMEOUT_USEC=12000000")
	assert.Contains(t, manager.Await("STOPPING=1"), "STATUS=writing what is left\nEXTEND_TIMEOUT_USEC=12000000")
	require.NoError(t, <-ended)
}
