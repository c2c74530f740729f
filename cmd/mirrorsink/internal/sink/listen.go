package sink

import (
	"context"
	"io"
	"log/slog"
	"runtime"
	"time"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/egress"
	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/flags"
	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/forwarding"
	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/inventory"
	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/output"
)

// ListenConfig configures listen.
type ListenConfig struct {
	Listen, GENEVE  flags.Address
	Source          flags.Source
	TCDrop          bool
	Workers         int
	CPUs            flags.CPUs
	ReceiveBuffer   flags.Size
	Memory          flags.Size
	Allow           flags.Allow
	Inventory       inventory.Options
	Policy          egress.Options
	Outputs         output.Options
	Forward         forwarding.Options
	StatsInterval   time.Duration
	Metrics, Health flags.Address
	Drain, Deadline time.Duration
	LogLevel        slog.Level
}

// DefaultListenConfig receives on no address yet.
func DefaultListenConfig() *ListenConfig {
	return &ListenConfig{
		Workers:       runtime.GOMAXPROCS(0),
		ReceiveBuffer: 16 * flags.MiB,
		Memory:        DefaultMemory,
		StatsInterval: 10 * time.Second,
		Deadline:      10 * time.Second,
	}
}

// Listen opens everything, receives until ctx ends, and prints a summary.
func Listen(ctx context.Context, cfg *ListenConfig, stderr io.Writer) error {
	log := slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: cfg.LogLevel}))
	defer limitSink(int64(cfg.Memory), cfg.Policy.Enabled())()
	inventory, err := cfg.Inventory.Open(ctx, log)
	if err != nil {
		return err
	}
	if err := removeStaleDrops(cfg, log); err != nil {
		return err
	}
	l, err := OpenListener(ctx, cfg, inventory, log)
	if err != nil {
		return err
	}
	defer l.CloseServers()
	err = l.Run(ctx)
	s := l.Snapshot()
	s.Print(stderr)
	return err
}
