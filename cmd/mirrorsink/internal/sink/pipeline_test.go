package sink

import (
	"context"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/decap"
)

// slowSource ends its Read as soon as closing begins, which takes a while.
type slowSource struct {
	once    sync.Once
	closing chan struct{}
	closed  atomic.Bool
}

func (s *slowSource) Read(*decap.Batch) error {
	<-s.closing
	return os.ErrClosed
}

func (s *slowSource) Close() error {
	s.once.Do(func() {
		close(s.closing)
		time.Sleep(50 * time.Millisecond)
		s.closed.Store(true)
	})
	return nil
}

func TestPipelineEndsWithItsSourcesClosed(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	p, err := openPipeline(ctx, pipelineConfig{
		Memory: 64 << 20, Now: func() int64 { return 0 }, Drops: func() uint64 { return 0 }, Log: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	s := &slowSource{closing: make(chan struct{})}
	cancel()
	require.NoError(t, p.run(ctx, []source{s}))
	require.True(t, s.closed.Load(), "what it has put into the kernel is still there")
	_, err = p.close(context.Background())
	require.NoError(t, err)
}
