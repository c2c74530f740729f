package sink

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/egress"
	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/output"
	"github.com/mirrorsink/mirrorsink/inspect/export"
	"github.com/mirrorsink/mirrorsink/inspect/policy/alert"
	"github.com/mirrorsink/mirrorsink/inspect/policy/alert/feed"
	"github.com/mirrorsink/mirrorsink/inspect/report"
)

// finderShare is the part of the memory for what alerts remember: a sixteenth.
const finderShare = 16

// finder finds the alerts of a policy. Its queue is an output of the pipeline.
type finder struct {
	*export.Queue
	feed  *feed.Feed
	to    []alert.Output
	state string // the file of the names that were learnt; "" for none
}

var _ output.Output = (*finder)(nil)

// openFinder opens what finds the alerts, if any are to be found. It comes before the other outputs, which write what it finds.
func (p *pipeline) openFinder(to output.Config, queue int) error {
	if !p.findsAlerts() {
		return nil
	}
	policy := p.cfg.Policy
	f := &finder{to: []alert.Output{p.alerts}, state: policy.State()}
	if p.cfg.Outputs.AlertEvents() {
		f.to = append(f.to, alertEvents{p})
	}
	known := alert.Names{}
	if f.state != "" {
		var err error
		if known, err = egress.ReadNames(f.state); err != nil {
			return fmt.Errorf("--policy-state: %w", err)
		}
	}
	f.feed = feed.New(feed.Config{
		Rules: policy.Rules, Memory: p.cfg.Memory / finderShare, Output: f, Meter: p.sums(), Known: known, Record: to.Record,
		Match: report.Matcher,
	})
	f.Queue = export.NewQueue(export.QueueConfig{
		Kinds: feed.Kinds, Consumer: f.feed.Consumer, Bytes: queue, Block: p.cfg.Block, Log: p.cfg.Log,
	})
	p.finder, p.outs = f, append([]output.Output{f}, p.outs...)
	if len(policy.Rules().Policy.Alerts) > 0 && !p.cfg.Outputs.HasAlerts() {
		p.cfg.Log.Warn("the policy has alerts, and no --alert says where to send them: they are counted only")
	}
	return nil
}

// findsAlerts reports whether alerts are to be found: the policy has some, or there is an output for them or their sums.
func (p *pipeline) findsAlerts() bool {
	return p.cfg.Policy != nil && (len(p.cfg.Policy.Rules().Policy.Alerts) > 0 || p.cfg.Outputs.HasAlerts() || p.cfg.Outputs.HasSums())
}

// sums returns what adds up for CloudWatch, nil if it gets nothing.
func (p *pipeline) sums() *alert.Meter {
	if p.cfg.Outputs.HasSums() {
		return &p.meter
	}
	return nil
}

// alertEvents sends alerts as events.
type alertEvents struct{ to *pipeline }

// Alert implements alert.Output.
func (a alertEvents) Alert(x *alert.Alert) {
	b := feed.Batch(x)
	b.Retain()
	a.to.Events(b)
}

// Alert implements alert.Output.
func (f *finder) Alert(x *alert.Alert) {
	for _, to := range f.to {
		to.Alert(x)
	}
}

// save writes the names that were learnt.
func (f *finder) save() error {
	if f.state == "" {
		return nil
	}
	if err := egress.WriteNames(f.state, f.feed.Names()); err != nil {
		return fmt.Errorf("--policy-state: %w", err)
	}
	return nil
}

// Close finds the last alerts, and saves what was learnt.
func (f *finder) Close(ctx context.Context) (lost uint64, err error) {
	lost, err = f.Queue.Close(ctx)
	if left := f.save(); err == nil {
		err = left
	}
	return lost, err
}

// How often a live run tells the time to alerts, and saves what was learnt.
const (
	finderTick = time.Second
	finderSave = time.Minute
)

// keep tells alerts the time, and saves what was learnt now and then, until ctx ends.
func (f *finder) keep(ctx context.Context, log *slog.Logger) {
	var save sync.WaitGroup
	save.Go(func() {
		every(ctx, finderSave, func() {
			if err := f.save(); err != nil {
				log.Warn("names that were learnt are not saved", "error", err)
			}
		})
	})
	every(ctx, finderTick, func() { f.feed.Advance(time.Now().UnixNano()) })
	save.Wait()
}
