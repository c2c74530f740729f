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
	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/lifecycle"
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
	DrainGiven      bool // Drain was chosen by a person
	Lifecycle       lifecycle.Options
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
	run, err := runner(ctx, cfg, log)
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
	err = run(ctx, l)
	s := l.Snapshot()
	s.Print(stderr)
	return err
}

// runner returns what runs a listener: until ctx ends, or until the instance's Auto Scaling group is to terminate it.
func runner(ctx context.Context, cfg *ListenConfig, log *slog.Logger) (func(context.Context, *Listener) error, error) {
	if cfg.Lifecycle.Hook == "" {
		return func(ctx context.Context, l *Listener) error { return l.Run(ctx) }, nil
	}
	w, err := lifecycle.Open(ctx, cfg.Lifecycle, lifecycle.Times{Drain: cfg.Drain, Given: cfg.DrainGiven, Deadline: cfg.Deadline}, log)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, l *Listener) error {
		watched := w.Watch(ctx, l.ready.hold)
		err := l.Run(watched)
		w.Finish(context.WithoutCancel(ctx), context.Cause(watched))
		return err
	}, nil
}
