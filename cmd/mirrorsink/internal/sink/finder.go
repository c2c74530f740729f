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
	feed    *feed.Feed
	to      []alert.Output
	outputs *output.Alerts
	state   string // the file of what alerts keep across restarts; "" for none

	saving sync.Mutex // guards the following, and the file
	saved  uint64     // alerts that were opened or resolved when the file was written last
}

var _ output.Output = (*finder)(nil)

// openFinder opens what finds the alerts, if any are to be found. It comes before the other outputs, which write what it finds.
func (p *pipeline) openFinder(to output.Config, queue int) error {
	if !p.findsAlerts() {
		return nil
	}
	policy := p.cfg.Policy
	f := &finder{to: []alert.Output{p.alerts}, outputs: p.alerts, state: policy.State()}
	if p.cfg.Outputs.AlertEvents() {
		f.to = append(f.to, alertEvents{p})
	}
	known, err := p.readState(f.state)
	if err != nil {
		return err
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

// readState reads what an earlier run has saved. Outputs that repeat open alerts go on with it.
func (p *pipeline) readState(file string) (s alert.Saved, err error) {
	if file == "" {
		return s, nil
	}
	s, damaged, err := egress.ReadState(file, int64(p.cfg.Memory/finderShare))
	if err != nil {
		return s, fmt.Errorf("--policy-state: %w", err)
	}
	if damaged > 0 {
		p.cfg.Log.Warn("lines of the state of alerts cannot be read, or are too many: they are left out", "file", file, "lines", damaged)
	}
	for i := range s.Open {
		p.alerts.Restore(&s.Open[i].Alert)
	}
	return s, nil
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

// save writes what should survive a restart.
func (f *finder) save() error {
	if f.state == "" {
		return nil
	}
	f.saving.Lock()
	defer f.saving.Unlock()
	c, s := f.feed.Counts(), f.feed.Saved()
	if err := egress.WriteState(f.state, &s); err != nil {
		return fmt.Errorf("--policy-state: %w", err)
	}
	f.saved = c.Opened + c.Resolved
	return nil
}

// changed reports whether alerts were opened or resolved since the file was written.
func (f *finder) changed() bool {
	f.saving.Lock()
	defer f.saving.Unlock()
	c := f.feed.Counts()
	return c.Opened+c.Resolved != f.saved
}

// Close finds the last alerts, and saves what was learnt.
func (f *finder) Close(ctx context.Context) (lost uint64, err error) {
	lost, err = f.Queue.Close(ctx)
	if left := f.save(); err == nil {
		err = left
	}
	return lost, err
}

// How often a live run tells the time to alerts, saves what was learnt, and looks for alerts that wait for too long.
const (
	overdueTick = 15 * time.Second
	finderTick  = time.Second
	finderSave  = time.Minute
	finderSoon  = 5 * time.Second // after alerts were opened or resolved
)

// keep tells alerts the time, and saves what was learnt now and then, until ctx ends.
func (f *finder) keep(ctx context.Context, log *slog.Logger) {
	var save sync.WaitGroup
	save.Go(func() { every(ctx, overdueTick, func() { f.outputs.ReportOverdue(log) }) })
	var last time.Time
	save.Go(func() {
		every(ctx, finderSoon, func() {
			if time.Since(last) < finderSave && !f.changed() {
				return
			}
			last = time.Now()
			if err := f.save(); err != nil {
				log.Warn("the state of alerts is not saved", "error", err)
			}
		})
	})
	every(ctx, finderTick, func() { f.feed.Advance(time.Now().UnixNano()) })
	save.Wait()
}
