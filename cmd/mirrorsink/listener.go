package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/decap/rx"
	"github.com/mirrorsink/mirrorsink/inspect"
)

// listener is the sink at work: sources, pipeline, servers.
type listener struct {
	opts      *listenOptions
	inventory *attribution // nil is for none
	log       *slog.Logger
	pipeline  *pipeline
	groups    [][]source
	receivers []receiver   // those of groups
	rings     [][]*rx.Ring // those of receivers, by group
	servers   []*server
	ready     readiness
	clock     clockWatch
}

// openListener opens outputs, sockets and servers. The caller must run it, and close the servers after that. Sinks get
// every batch of events too. An inventory of nil is for none.
func openListener(ctx context.Context, opts *listenOptions, inventory *attribution, log *slog.Logger, sinks ...inspect.Sink) (*listener, error) {
	l := &listener{opts: opts, inventory: inventory, log: log}
	p, err := openPipeline(ctx, pipelineConfig{
		Decoder:   decap.Decoder{Allow: opts.allow.list()},
		Memory:    int(opts.memory),
		CPUs:      opts.cpus,
		Outputs:   opts.outputs,
		Forward:   opts.forward,
		Exempt:    opts.allow.exempt,
		Inventory: inventory,
		Now:       func() int64 { return time.Now().UnixNano() },
		Sinks:     sinks,
		Drops:     l.drops,
		Log:       log,
	})
	if err != nil {
		return nil, err
	}
	l.pipeline = p
	if err := l.open(); err != nil {
		closeAll(l.groups)
		l.closeServers()
		_ = p.closeForward(context.Background())
		_, _ = p.close(context.Background()) // nothing is queued
		return nil, err
	}
	return l, nil
}

// open opens everything but the outputs.
func (l *listener) open() error {
	if err := l.receive(l.opts.listen, decap.LinkVXLAN); err != nil {
		return err
	}
	if err := l.receive(l.opts.geneve, decap.LinkGENEVE); err != nil {
		return err
	}
	if l.opts.metrics.IsValid() {
		s, err := serve("metrics", l.opts.metrics, l.metricsHandler(), l.log)
		if err != nil {
			return err
		}
		l.servers = append(l.servers, s)
	}
	if l.opts.health.IsValid() {
		s, err := serve("health", l.opts.health, l.ready.handler(), l.log)
		if err != nil {
			return err
		}
		l.servers = append(l.servers, s)
	}
	return nil
}

// metricsHandler serves the metrics, and the table of tags if there is one.
func (l *listener) metricsHandler() http.Handler {
	mux := metricsHandler(l.snapshot, l.log)
	if l.opts.forward.wanted() {
		mux.Handle("GET /forward/vlans", vlansHandler(l.pipeline.forward.vlanTable))
	}
	return mux
}

// run receives until ctx ends or a socket fails, then shuts down in the order of the data path. An error says what failed
// or what was lost at the end.
func (l *listener) run(ctx context.Context) error {
	reading, stop := context.WithCancel(context.Background())
	defer stop()
	var failed error
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		failed = l.pipeline.run(reading, l.groups...)
	}()
	var chores sync.WaitGroup
	chores.Go(func() { l.obeyHangups(reading) })
	chores.Go(func() { l.reportStats(reading) })
	chores.Go(func() { l.watchClock(reading) })
	if l.inventory != nil {
		chores.Go(func() { l.inventory.keep(reading, l.opts.inventory.refresh) })
	}

	l.ready.Store(true)
	select {
	case <-ended:
	case <-ctx.Done():
		l.drain(ended)
	}
	l.ready.Store(false)
	l.pipeline.wait()
	stop()
	lost := l.flush(ended)
	chores.Wait()
	if failed != nil {
		return failed
	}
	return lost
}

// drain goes on for as long as a load balancer may still send, unless a socket fails.
func (l *listener) drain(ended <-chan struct{}) {
	l.ready.Store(false)
	l.log.Info("shutting down", "drain", l.opts.drain)
	select {
	case <-ended:
	case <-time.After(l.opts.drain):
	}
}

// flush waits for the workers, whose sources are closed, and for everything queued to be written; but not longer than the
// deadline.
func (l *listener) flush(ended <-chan struct{}) error {
	before, dropped := l.pipeline.snapshot().Export, l.pipeline.framesDropped()
	ctx, cancel := context.WithTimeout(context.Background(), l.opts.deadline)
	defer cancel()
	var events, frames error
	select {
	case <-ended:
		l.writeStats()
		var forward sync.WaitGroup // beside the outputs, so that neither takes the time of the other
		forward.Go(func() { frames = l.pipeline.closeForward(ctx) })
		_, events = l.pipeline.close(ctx)
		forward.Wait()
	case <-ctx.Done():
		_, events = l.pipeline.close(ctx) // lets the workers go, which wait for room in the queues
		<-ended
		frames = l.pipeline.closeForward(ctx)
	}
	after := l.pipeline.snapshot().Export
	if lost := l.pipeline.framesDropped() + l.pipeline.framesQueued() - dropped; lost > 0 {
		frames = l.loss(ctx, "frames", lost, frames)
	}
	return errors.Join(l.loss(ctx, "events", total(after.Dropped)-total(before.Dropped), events), frames)
}

// loss says how many of what were lost at the end; nil if none were.
func (l *listener) loss(ctx context.Context, what string, lost uint64, err error) error {
	switch {
	case lost == 0:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("%d %s lost: they were not written within the --deadline of %v", lost, what, l.opts.deadline)
	case err == nil:
		return fmt.Errorf("%d %s lost at the end", lost, what)
	default:
		return fmt.Errorf("%d %s lost at the end: %w", lost, what, err)
	}
}

// obeyHangups reopens event files at each SIGHUP, for log rotation, and has the inventory read again.
func (l *listener) obeyHangups(ctx context.Context) {
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)
	for {
		select {
		case <-ctx.Done():
			return
		case <-hangups:
			l.log.Info("reopening event files")
			l.pipeline.reopen()
			if l.inventory != nil {
				l.inventory.request()
			}
		}
	}
}

// watchClock says when the clock was set.
func (l *listener) watchClock(ctx context.Context) {
	start := time.Now()
	every(ctx, leastStep, func() {
		now := time.Now()
		l.clock.look(now.Round(0), now.Sub(start), l.log) // the one without, the other by the monotonic reading
	})
}

func (l *listener) reportStats(ctx context.Context) {
	if l.opts.statsInterval > 0 {
		every(ctx, l.opts.statsInterval, l.writeStats)
	}
}

// writeStats writes the counters as an event, if that is wanted.
func (l *listener) writeStats() {
	if l.opts.statsInterval > 0 {
		s := l.snapshot()
		l.pipeline.Events(s.event(time.Now()))
	}
}

// snapshot returns all that is counted.
func (l *listener) snapshot() snapshot {
	s := l.pipeline.snapshot()
	s.KernelDrops = l.drops()
	s.ClockSteps = l.clock.steps.Load()
	for _, r := range l.receivers {
		s.Oversized += r.Truncated()
	}
	for _, group := range l.rings {
		s.InterfaceLosses += group[0].Lost()
		for _, r := range group {
			s.RingFreezes += r.Freezes()
		}
	}
	return s
}

// drops returns how many datagrams the kernel had no room for.
func (l *listener) drops() (n uint64) {
	for _, r := range l.receivers {
		n += r.Drops()
	}
	return n
}

func (l *listener) closeServers() {
	for _, s := range l.servers {
		s.close()
	}
}
