package command

import (
	"log/slog"
	"time"

	"github.com/spf13/cobra"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/flags"
	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/watch"
	"github.com/mirrorsink/mirrorsink/sessions/spec"
)

// watchOptions are the flags of sessions watch.
type watchOptions struct {
	specOptions
	interval  time.Duration
	deletions int
	metrics   flags.Address
	logLevel  slog.Level
}

func newWatch() *cobra.Command {
	opts := watchOptions{interval: time.Minute, deletions: 10}
	cmd := &cobra.Command{
		Use:   "watch -f SPEC",
		Short: "Apply the spec again and again, while instances come and go",
		Long: `Does the work of apply every --interval, give or take a tenth. It reads the spec anew each time; a round in which the spec cannot be
read, or EC2 does not answer, changes nothing, and the next one tries again. A round deletes at most --max-deletions objects, so
that a mistake is seen before it is everywhere.`,
		Example: `  mirrorsink sessions watch -f mirror.yaml --interval 30s`,
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := opts.check(); err != nil {
				return err
			}
			log := slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: opts.logLevel}))
			return watch.Run(cmd.Context(), watch.Config{
				Read:     func() (*spec.Spec, error) { return opts.spec(nil) },
				Open:     opts.open,
				Interval: opts.interval, Deletions: opts.deletions, Metrics: opts.metrics, Log: log,
			})
		},
	}
	opts.addTo(cmd.Flags())
	opts.addLoop(cmd.Flags())
	f := cmd.Flags()
	_ = opts.metrics.Set("127.0.0.1:9479")
	g := flags.In(f, flags.Common)
	g.Duration(&opts.interval, "interval", "apply this often")
	g.Int(&opts.deletions, "max-deletions", "N", "delete at most this many objects in one round; 0 for none")
	g = flags.In(f, flags.Serving)
	g.Var(&opts.metrics, "metrics", "ADDRESS", "serve /metrics on this TCP address, or off")
	g.Level(&opts.logLevel, "log-level", "log messages of at least this level: debug, info, warn or error")
	return cmd
}

func (o *watchOptions) check() error {
	switch {
	case o.interval < time.Second:
		return flags.Usagef("--interval %v: want 1s or more", o.interval)
	case o.deletions < 0:
		return flags.Usagef("--max-deletions %d: cannot be negative", o.deletions)
	case o.file == "-":
		return flags.Usagef("--file -: standard input can be read once only")
	}
	return nil
}
