package sink

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/egress"
	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/forwarding"
	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/inventory"
	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/lifecycle"
	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/notify"
	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/server"
	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/decap/rx"
	"github.com/mirrorsink/mirrorsink/inspect"
)

// Listener is a running sink: sources, pipeline, servers.
type Listener struct {
	opts      *ListenConfig
	inventory *inventory.Inventory // nil is for none
	policy    *egress.Policy       // nil is for none
	log       *slog.Logger
	pipeline  *pipeline
	groups    [][]source
	receivers []receiver   // those of groups
	rings     [][]*rx.Ring // those of receivers, by group
	servers   []*server.Server
	ready     readiness
	pulse     pulse
	manager   *notify.Manager
	clock     clockWatch
}

// OpenListener opens outputs, sockets and servers. The caller must run it, and close the servers after that. Sinks get
// every batch of events too. An inventory of nil is for none.
func OpenListener(ctx context.Context, opts *ListenConfig, inventory *inventory.Inventory, log *slog.Logger, sinks ...inspect.Sink) (*Listener, error) {
	l := &Listener{opts: opts, inventory: inventory, manager: notify.Open(log), log: log}
	var err error
	if l.policy, err = openPolicy(&opts.Policy, &opts.Outputs, log); err != nil {
		return nil, err
	}
	p, err := openPipeline(ctx, pipelineConfig{
		Decoder:   decap.Decoder{Allow: opts.Allow.List()},
		Memory:    int(opts.Memory),
		CPUs:      opts.CPUs,
		Outputs:   opts.Outputs,
		Forward:   opts.Forward,
		Exempt:    opts.Allow.Exempt,
		Inventory: inventory,
		Policy:    l.policy,
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
		l.CloseServers()
		_ = p.closeForward(context.Background())
		_, _ = p.close(context.Background()) // nothing is queued
		return nil, err
	}
	return l, nil
}

// open opens everything but the outputs.
func (l *Listener) open() error {
	if err := l.receive(l.opts.Listen, decap.LinkVXLAN); err != nil {
		return err
	}
	if err := l.receive(l.opts.GENEVE, decap.LinkGENEVE); err != nil {
		return err
	}
	if l.opts.Metrics.IsValid() {
		s, err := server.Serve("metrics", l.opts.Metrics, l.metricsHandler(), l.log)
		if err != nil {
			return err
		}
		l.servers = append(l.servers, s)
	}
	if l.opts.Health.IsValid() {
		s, err := server.Serve("health", l.opts.Health, l.ready.handler(), l.log)
		if err != nil {
			return err
		}
		l.servers = append(l.servers, s)
	}
	return nil
}

// metricsHandler serves the metrics, and the table of tags if there is one.
func (l *Listener) metricsHandler() http.Handler {
	mux := metricsHandler(l.Snapshot, l.log)
	if l.opts.Forward.Enabled() {
		mux.Handle("GET /forward/vlans", forwarding.VLANsHandler(l.pipeline.forward.VLANTable))
	}
	return mux
}

// Run receives until ctx ends or a socket fails, then shuts down in the order of the data path. The error is the failure, or the loss at
// the end.
func (l *Listener) Run(ctx context.Context) error {
	reading, stop := context.WithCancel(context.Background())
	defer stop()
	var failed error
	ended := make(chan struct{})
	groups := l.pulse.feel(l.groups)
	go func() {
		defer close(ended)
		failed = l.pipeline.run(reading, groups...)
	}()
	var chores sync.WaitGroup
	chores.Go(func() { l.handleHangups(reading) })
	chores.Go(func() { l.reportStats(reading) })
	chores.Go(func() { l.watchClock(reading) })
	chores.Go(func() { l.manager.Keep(reading, l.pulse.alive) })
	if l.pipeline.finder != nil {
		chores.Go(func() { l.pipeline.finder.keep(reading, l.log) })
	}
	if l.inventory != nil {
		chores.Go(func() { l.inventory.Keep(reading, l.opts.Inventory.Refresh) })
	}

	l.ready.Store(true)
	l.manager.Ready(fmt.Sprintf("receiving on %s, %d workers", strings.Join(l.addresses(), " and "), len(l.pulse.beats)))
	select {
	case <-ended:
	case <-ctx.Done():
		l.drain(ended, l.drainTime(ctx))
	}
	l.ready.Store(false)
	l.manager.Stopping("writing what is left", l.opts.Deadline+stopMargin)
	l.pipeline.wait()
	stop()
	lost := l.flush(ended)
	chores.Wait()
	if failed != nil {
		return failed
	}
	return lost
}

// drainTime returns how long to receive after ctx has ended: as long as what ended it says, or as long as was asked for.
func (l *Listener) drainTime(ctx context.Context) time.Duration {
	var e *lifecycle.Ending
	if errors.As(context.Cause(ctx), &e) {
		return e.Drain
	}
	return l.opts.Drain
}

// stopMargin is what the service manager gives the program to end in, beyond the times that were set.
const stopMargin = 10 * time.Second

// drain continues to receive while a load balancer may still send, unless a socket fails.
func (l *Listener) drain(ended <-chan struct{}, howLong time.Duration) {
	l.ready.Store(false)
	l.log.Info("shutting down", "drain", howLong)
	l.manager.Stopping("draining", howLong+l.opts.Deadline+stopMargin)
	select {
	case <-ended:
	case <-time.After(howLong):
	}
}

// flush waits for the workers, whose sources are closed, and for the queues to be written, at most until the deadline.
func (l *Listener) flush(ended <-chan struct{}) error {
	before, dropped := l.pipeline.snapshot().Export, l.pipeline.framesDropped()
	ctx, cancel := context.WithTimeout(context.Background(), l.opts.Deadline)
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

// loss returns an error with the number of things lost at the end; nil if none were.
func (l *Listener) loss(ctx context.Context, what string, lost uint64, err error) error {
	switch {
	case lost == 0:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("%d %s lost: they were not written within the --deadline of %v", lost, what, l.opts.Deadline)
	case err == nil:
		return fmt.Errorf("%d %s lost at the end", lost, what)
	default:
		return fmt.Errorf("%d %s lost at the end: %w", lost, what, err)
	}
}

// handleHangups reopens event files at each SIGHUP, for log rotation, and has the inventory and the policy read again.
func (l *Listener) handleHangups(ctx context.Context) {
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
				l.inventory.Request()
			}
			if l.policy != nil {
				l.policy.Reload()
			}
		}
	}
}

// watchClock logs when the clock is set.
func (l *Listener) watchClock(ctx context.Context) {
	start := time.Now()
	every(ctx, leastStep, func() {
		now := time.Now()
		l.clock.check(now.Round(0), now.Sub(start), l.log) // the one without, the other by the monotonic reading
	})
}

func (l *Listener) reportStats(ctx context.Context) {
	if l.opts.StatsInterval > 0 {
		every(ctx, l.opts.StatsInterval, l.writeStats)
	}
}

// writeStats writes the counters as an event, if that is wanted.
func (l *Listener) writeStats() {
	if l.opts.StatsInterval > 0 {
		s := l.Snapshot()
		l.pipeline.Events(s.event(time.Now()))
	}
}

// Snapshot returns all that is counted.
func (l *Listener) Snapshot() snapshot {
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
func (l *Listener) drops() (n uint64) {
	for _, r := range l.receivers {
		n += r.Drops()
	}
	return n
}

// Addr returns the address that the first source receives on.
func (l *Listener) Addr() netip.AddrPort { return l.receivers[0].Addr() }

// addresses returns where each group of sources receives.
func (l *Listener) addresses() (all []string) {
	for _, r := range l.receivers {
		if addr := r.Addr().String(); !slices.Contains(all, addr) {
			all = append(all, addr)
		}
	}
	return all
}

func (l *Listener) CloseServers() {
	for _, s := range l.servers {
		s.Close()
	}
}
