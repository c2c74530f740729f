// Package demo plays a bundled capture over loopback, as AWS would mirror it, and receives it as listen does, with a bundled egress policy.
package demo

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"time"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/flags"
	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/inventory"
	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/simulate"
	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/sink"
	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/view"
	"github.com/mirrorsink/mirrorsink/decap/rx/capture"
	"github.com/mirrorsink/mirrorsink/decap/sim"
	"github.com/mirrorsink/mirrorsink/decap/tx"
	"github.com/mirrorsink/mirrorsink/sessions"
)

// The demo's capture, the sessions that mirror it, an invented inventory of the interfaces behind them, and a policy for them.
var (
	//go:embed workloads.pcap.gz
	workloads []byte
	//go:embed sessions.yaml
	Sessions []byte
	//go:embed inventory.json
	inventoryFile []byte
	//go:embed policy.yaml
	policyFile []byte
)

// Options configure the demo.
type Options struct {
	Duration time.Duration
	EVE      []string
}

// memory is ample for three workloads.
const memory = 64 * flags.MiB

// Run plays and receives until ctx ends, which is no error.
func Run(ctx context.Context, opts Options, stdout, stderr io.Writer) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if opts.Duration > 0 {
		defer time.AfterFunc(opts.Duration, cancel).Stop()
	}
	v := view.New(stdout, len(opts.EVE) > 0)
	log := slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelError}))
	l, err := openListener(opts, log, v)
	if err != nil {
		return err
	}
	defer l.CloseServers()

	fmt.Fprintf(stderr, "playing a bundled capture as AWS would mirror it, to %v\n", l.Addr())
	received := make(chan error, 1)
	receiving, stop := context.WithCancel(context.Background())
	defer stop()
	go func() {
		defer cancel() // without a receiver there is nothing to play for
		received <- l.Run(receiving)
	}()
	v.Begin(ctx)
	played := play(ctx, l.Addr())
	v.End()
	stop()
	if err := <-received; err != nil {
		return err
	}
	s := l.Snapshot()
	s.Print(stderr)
	return played
}

// openListener listens on a free loopback port and serves nothing.
func openListener(opts Options, log *slog.Logger, v view.Display) (*sink.Listener, error) {
	inventory, err := inventory.Open(context.Background(), func(context.Context) (*sessions.Inventory, error) {
		return sessions.ReadInventory(bytes.NewReader(inventoryFile))
	}, log)
	if err != nil {
		return nil, err
	}
	listen := sink.DefaultListenConfig()
	_ = listen.Listen.Set("127.0.0.1:0")
	listen.Workers, listen.Memory, listen.Outputs.EVE.To, listen.StatsInterval = 1, memory, opts.EVE, 0
	listen.Policy.File, listen.Policy.Text = "policy.yaml", policyFile
	listen.Outputs.AddAlertEvents()
	return sink.OpenListener(context.Background(), listen, inventory, log, v)
}

// play plays the bundled capture at its own speed, again and again, until ctx ends.
func play(ctx context.Context, to netip.AddrPort) error {
	cfg, err := sim.ParseSpec(Sessions)
	if err != nil {
		return err
	}
	cfg.Target = to.Addr()
	m, err := sim.New(cfg)
	if err != nil {
		return err
	}
	out := &simulate.Socket{Sender: tx.NewSender(to)}
	defer out.Close()
	s := simulate.New(m, sim.Odds{}, out, &simulate.Pacer{Speed: 1})
	for ctx.Err() == nil {
		file, err := capture.NewReader(bytes.NewReader(workloads), "demo")
		if err != nil {
			return err
		}
		if err := s.Run(ctx, file); err != nil {
			return err
		}
	}
	return s.Flush()
}
