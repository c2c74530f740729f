package main

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/mirrorsink/mirrorsink/sessions"
)

// watchOptions are the flags of sessions watch.
type watchOptions struct {
	specOptions
	interval  time.Duration
	deletions int
	metrics   address
	logLevel  slog.Level
}

func newWatch() *cobra.Command {
	opts := watchOptions{interval: time.Minute, deletions: 10}
	cmd := &cobra.Command{
		Use:   "watch -f SPEC",
		Short: "Apply the spec again and again, while instances come and go",
		Long: `Does what apply does, every --interval give or take a tenth. The spec is read anew each time; a round in which it cannot be
read, or EC2 does not answer, changes nothing, and the next one tries again. A round deletes no more than --max-deletions
things, so that a mistake shows before it is everywhere.`,
		Example: `  mirrorsink sessions watch -f mirror.yaml --interval 30s`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := opts.check(); err != nil {
				return err
			}
			return watch(cmd, &opts)
		},
	}
	opts.addTo(cmd.Flags())
	f := cmd.Flags()
	_ = opts.metrics.Set("127.0.0.1:9479")
	f.DurationVar(&opts.interval, "interval", opts.interval, "apply this often")
	f.IntVar(&opts.deletions, "max-deletions", opts.deletions, "delete so many `things` in one round at most; 0 for none")
	f.Var(&opts.metrics, "metrics", "serve /metrics on this TCP address, or off")
	f.TextVar(&opts.logLevel, "log-level", opts.logLevel, "log what is at least of this `level`: debug, info, warn or error")
	return cmd
}

func (o *watchOptions) check() error {
	switch {
	case o.interval < time.Second:
		return usagef("--interval %v: EC2 bears no less than a second", o.interval)
	case o.deletions < 0:
		return usagef("--max-deletions cannot be negative")
	case o.file == "-":
		return usagef("--file -: standard input can be read once only")
	}
	return nil
}

// watch is the command. It ends well when it is interrupted.
func watch(cmd *cobra.Command, opts *watchOptions) error {
	ctx := cmd.Context()
	log := slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: opts.logLevel}))
	if _, err := opts.spec(nil); err != nil {
		return err // a spec that is wrong from the beginning is a mistake to be mended first
	}
	counts := newWatchMetrics()
	client, err := opts.open(ctx, counts.called)
	if err != nil {
		return err
	}
	if opts.metrics.IsValid() {
		s, err := serve("metrics", opts.metrics, counts.handler(log), log)
		if err != nil {
			return err
		}
		defer s.close()
	}
	w := &watcher{
		read:  func() (*sessions.Spec, error) { return opts.spec(nil) },
		state: client, api: client, interval: opts.interval, deletions: opts.deletions, counts: counts, log: log,
	}
	w.run(ctx)
	return nil
}

// watcher applies a spec again and again.
type watcher struct {
	read      func() (*sessions.Spec, error)
	state     sessions.Reader
	api       sessions.Changer
	interval  time.Duration
	deletions int // at most in a round
	counts    *watchMetrics
	log       *slog.Logger
	warned    []string // of the last round
}

// run goes round until ctx ends.
func (w *watcher) run(ctx context.Context) {
	for {
		switch err := w.round(ctx); {
		case ctx.Err() != nil:
			return
		case err != nil:
			w.counts.rounds.WithLabelValues("error").Inc()
			w.log.Error("the round failed", "error", err)
		default:
			w.counts.rounds.WithLabelValues("ok").Inc()
			w.counts.success.SetToCurrentTime()
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(jittered(w.interval)):
		}
	}
}

// jittered is a duration give or take a tenth, so that several programs do not ask EC2 at the same moment.
func jittered(d time.Duration) time.Duration {
	return d - d/10 + rand.N(d/5+1)
}

// round applies the spec once. The state is read after the spec: what has come in between would otherwise look unwanted.
func (w *watcher) round(ctx context.Context) error {
	spec, err := w.read()
	if err != nil {
		return err
	}
	state, err := w.state.Read(ctx)
	if err != nil {
		return err
	}
	p, err := sessions.Diff(spec, state)
	if err != nil {
		return err
	}
	if err := refused(p); err != nil {
		return err
	}
	w.tell(p)
	applier := sessions.Applier{API: w.api, Nonce: sessions.NewNonce(), GoOn: true, Workers: applyWorkers, Report: w.report}
	result, err := applier.Apply(ctx, p)
	if n := len(result.Failed); n > 0 {
		err = fmt.Errorf("%d changes done, %d failed, %d not begun", len(result.Done), n, len(result.Left))
	}
	return err
}

// tell says what is to be known of the plan, warnings once as long as they are the same, and what is held back.
func (w *watcher) tell(p *sessions.Plan) {
	if !slices.Equal(p.Warnings, w.warned) {
		for _, text := range p.Warnings {
			w.log.Warn(text)
		}
		w.warned = p.Warnings
	}
	wanted := p.Sessions
	held := p.LimitDeletions(w.deletions)
	if held > 0 {
		w.log.Warn("more is to be deleted than one round may", "held back", held, "max-deletions", w.deletions)
	}
	w.counts.planned(wanted, len(p.Foreign), held)
}

// report logs and counts what became of a change.
func (w *watcher) report(o sessions.Outcome) {
	outcome := "ok"
	if o.Err != nil {
		outcome = sessions.ClassOf(o.Err).String()
		w.log.Error("a change failed", "error", o.Err)
	} else {
		w.log.Info(o.String(), "why", o.Change.Why)
	}
	w.counts.changes.WithLabelValues(o.Change.Op.String(), o.Change.Kind.String(), outcome).Inc()
}
