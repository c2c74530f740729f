package sink

import (
	"context"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/output"
	"github.com/mirrorsink/mirrorsink/inspect/export/spool"
)

// Undelivered files are reported only after a delay.
func TestNothingIsToldOfAQuickDelivery(t *testing.T) {
	var stderr strings.Builder
	p := &pipeline{alerts: &output.Alerts{}}
	p.reportDelay(&stderr, 0)()
	p.reportDelay(&stderr, time.Hour)()
	assert.Empty(t, stderr.String())
}

// deliveryFunc is an output that has nothing to write and delivers by a function.
type deliveryFunc struct {
	output.Delivery
	deliver func(ctx context.Context) error
}

func (d deliveryFunc) Close(context.Context) (uint64, error) { return 0, nil }

func (d deliveryFunc) Err() error { return nil }

func (d deliveryFunc) Deliver(ctx context.Context) error { return d.deliver(ctx) }

func (d deliveryFunc) Delivered() (to output.Service, count spool.Counts) { return }

func (d deliveryFunc) Trouble() (to string, why error) { return }

// An interrupt that ended the reading does not end the delivery of what was read; one that comes later does.
func TestWhatAnInterruptEnds(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	p := &pipeline{alerts: &output.Alerts{}, cfg: pipelineConfig{Log: slog.New(slog.DiscardHandler)}}
	p.outs = []output.Output{deliveryFunc{deliver: func(delivering context.Context) error {
		interrupt()
		return delivering.Err()
	}}}
	require.ErrorIs(t, p.finish(ctx, io.Discard), context.Canceled)
	require.NoError(t, p.finish(ctx, io.Discard))
}
