package main

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/mirrorsink/mirrorsink/decap/rx/capture"
	"github.com/mirrorsink/mirrorsink/decap/sim"
	"github.com/mirrorsink/mirrorsink/decap/tx"
	"github.com/mirrorsink/mirrorsink/inspect"
	"github.com/mirrorsink/mirrorsink/sessions"
)

// The demo's capture, the sessions that mirror it, and an invented inventory of the interfaces behind them.
var (
	//go:embed demo/workloads.pcap.gz
	demoCapture []byte
	//go:embed demo/sessions.yaml
	demoSessions []byte
	//go:embed demo/inventory.json
	demoInventory []byte
)

// demoOptions are the flags of demo.
type demoOptions struct {
	duration time.Duration
	eve      []string
}

func newDemo() *cobra.Command {
	var opts demoOptions
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Show named flows from a bundled capture: no AWS, no root",
		Long: `Plays a bundled capture of three workloads over the loopback interface, as AWS would mirror it, and receives it as listen
does, with an inventory that says which instances they are. On a terminal it shows a table of the named flows, elsewhere a
line for each; with --eve it writes events.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return demo(cmd, opts) },
	}
	f := cmd.Flags()
	f.DurationVar(&opts.duration, "for", 0, "end after this long; 0 for when interrupted")
	f.StringArrayVar(&opts.eve, "eve", nil, "write events as EVE JSON lines to a `file`, to unix:PATH or to - instead (repeatable)")
	return cmd
}

// demoMemory is ample for three workloads.
const demoMemory = 64 * miB

// demo is the command. It ends well when it is interrupted.
func demo(cmd *cobra.Command, opts demoOptions) error {
	ctx, cancel := context.WithCancel(cmd.Context())
	defer cancel()
	if opts.duration > 0 {
		defer time.AfterFunc(opts.duration, cancel).Stop()
	}
	stdout, stderr := cmd.OutOrStdout(), cmd.ErrOrStderr()
	v := newView(stdout, len(opts.eve) > 0)
	log := slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelError}))
	l, err := openDemo(opts, log, v)
	if err != nil {
		return err
	}
	defer l.closeServers()

	fmt.Fprintf(stderr, "playing a bundled capture as AWS would mirror it, to %v\n", l.receivers[0].Addr())
	received := make(chan error, 1)
	receiving, stop := context.WithCancel(context.Background())
	defer stop()
	go func() {
		defer cancel() // without a receiver there is nothing to play for
		received <- l.run(receiving)
	}()
	v.begin(ctx)
	played := playDemo(ctx, l.receivers[0].Addr())
	v.end()
	stop()
	if err := <-received; err != nil {
		return err
	}
	s := l.snapshot()
	s.print(stderr)
	return played
}

// openDemo listens on a free loopback port and serves nothing.
func openDemo(opts demoOptions, log *slog.Logger, v view) (*listener, error) {
	inventory, err := openAttribution(context.Background(), func(context.Context) (*sessions.Inventory, error) {
		return sessions.ReadInventory(bytes.NewReader(demoInventory))
	}, log)
	if err != nil {
		return nil, err
	}
	listen := defaultListenOptions()
	_ = listen.listen.Set("127.0.0.1:0")
	listen.workers, listen.memory, listen.outputs.eve.to, listen.statsInterval = 1, demoMemory, opts.eve, 0
	return openListener(context.Background(), listen, inventory, log, v)
}

// playDemo plays the bundled capture at its own speed, again and again, until ctx ends.
func playDemo(ctx context.Context, to netip.AddrPort) error {
	cfg, err := sim.ParseSpec(demoSessions)
	if err != nil {
		return err
	}
	cfg.Target = to.Addr()
	m, err := sim.New(cfg)
	if err != nil {
		return err
	}
	out := &socketDestination{tx.NewSender(to)}
	defer out.close()
	s := newSimulator(m, sim.Odds{}, out, &pacer{speed: 1})
	for ctx.Err() == nil {
		file, err := capture.NewReader(bytes.NewReader(demoCapture), "demo")
		if err != nil {
			return err
		}
		if err := s.run(ctx, file); err != nil {
			return err
		}
	}
	return s.flush()
}

// view is what the demo shows of the events: nothing, lines, or a table. It is a sink.
type view interface {
	inspect.Sink
	// begin starts showing; it shows until end, which must follow.
	begin(ctx context.Context)
	end()
}

// newView chooses what suits standard output.
func newView(stdout io.Writer, eve bool) view {
	if eve {
		return nothing{}
	}
	if f, isFile := stdout.(*os.File); isFile {
		if _, ok := terminalWidth(f); ok {
			return newLiveTable(f)
		}
	}
	return &flowLines{w: stdout}
}
