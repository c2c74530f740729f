// Package watch applies a spec of mirror sessions again and again, while instances come and go, and counts what it did.
package watch

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/apply"
	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/flags"
	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/notify"
	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/server"
	"github.com/mirrorsink/mirrorsink/sessions"
	"github.com/mirrorsink/mirrorsink/sessions/aws"
	"github.com/mirrorsink/mirrorsink/sessions/spec"
)

// Config configures Run: the spec, the account, and the interval.
type Config struct {
	Read      func() (*spec.Spec, error)
	Open      func(ctx context.Context, called func(action, outcome string)) (*aws.Client, error) // called is called for each call of the API
	Interval  time.Duration
	Deletions int // at most in a round
	Metrics   flags.Address
	Log       *slog.Logger
}

// Run applies the spec again and again until ctx ends, which is no error.
func Run(ctx context.Context, cfg Config) error {
	if _, err := cfg.Read(); err != nil {
		return err // a spec that is wrong at the start must be corrected first
	}
	counts := newMetrics()
	client, err := cfg.Open(ctx, counts.called)
	if err != nil {
		return err
	}
	if cfg.Metrics.IsValid() {
		s, err := server.Serve("metrics", cfg.Metrics, counts.handler(cfg.Log), cfg.Log)
		if err != nil {
			return err
		}
		defer s.Close()
	}
	w := &watcher{
		read: cfg.Read, state: client, api: client, interval: cfg.Interval, deletions: cfg.Deletions, counts: counts, log: cfg.Log,
		manager: notify.Open(cfg.Log),
	}
	w.serve(ctx)
	return nil
}

// reader reads the account.
type reader interface {
	sessions.Reader
	sessions.BalancerReader
}

// watcher applies a spec again and again.
type watcher struct {
	read      func() (*spec.Spec, error)
	state     reader
	api       sessions.Changer
	interval  time.Duration
	deletions int // at most in a round
	counts    *metrics
	log       *slog.Logger
	warned    []string // of the last round
	manager   *notify.Manager
	waiting   atomic.Bool // for the next round
}

// serve goes round until ctx ends, and has the service manager know.
func (w *watcher) serve(ctx context.Context) {
	keeping, stop := context.WithCancel(ctx)
	var keeper sync.WaitGroup
	keeper.Go(func() { w.manager.Keep(keeping, w.alive()) })
	w.manager.Ready("applying the spec")
	w.run(ctx)
	w.manager.Stopping("stopping", stopMargin)
	stop()
	keeper.Wait()
}

// stopMargin is what the service manager gives the program to end in. A change that was begun is ended first.
const stopMargin = 30 * time.Second

// alive returns a function that reports whether the rounds go on: the next one is waited for, or EC2 has answered a call since it was called
// last. A round may have thousands of calls, and each call may be tried for a while.
func (w *watcher) alive() func() bool {
	last := uint64(0)
	return func() bool {
		n := w.counts.answered.Load()
		moved := n != last
		last = n
		return moved || w.waiting.Load()
	}
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
		w.waiting.Store(true)
		select {
		case <-ctx.Done():
			return
		case <-time.After(jittered(w.interval)):
		}
		w.waiting.Store(false)
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
	if err := sessions.ReadBehind(ctx, w.state, spec, state); err != nil {
		return err
	}
	p, err := sessions.Diff(spec, state)
	if err != nil {
		return err
	}
	if err := apply.Refused(p); err != nil {
		return err
	}
	w.logPlan(p)
	applier := sessions.Applier{API: w.api, Nonce: sessions.NewNonce(), KeepGoing: true, Workers: apply.Workers, Report: w.report}
	result, err := applier.Apply(ctx, p)
	if n := len(result.Failed); n > 0 {
		err = fmt.Errorf("%d changes done, %d failed, %d not begun", len(result.Done), n, len(result.NotBegun))
	}
	return err
}

// logPlan logs the warnings of a plan, once while they stay the same, and the number of deletions held back.
func (w *watcher) logPlan(p *sessions.Plan) {
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
