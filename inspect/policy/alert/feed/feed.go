// Package feed gives an alert engine what it looks at: the activity of flows and the lookups, from events that were judged.
package feed

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/export"
	"github.com/mirrorsink/mirrorsink/inspect/export/records"
	"github.com/mirrorsink/mirrorsink/inspect/flowlog"
	"github.com/mirrorsink/mirrorsink/inspect/l7"
	"github.com/mirrorsink/mirrorsink/inspect/policy"
	"github.com/mirrorsink/mirrorsink/inspect/policy/alert"
	"github.com/mirrorsink/mirrorsink/inspect/policy/facts"
	"github.com/mirrorsink/mirrorsink/inspect/policy/judge"
)

// Kinds are the kinds of events that a Feed reads.
var Kinds = event.KindsOf(event.Activity, event.AppLayer)

// Config configures a Feed.
type Config struct {
	Rules  func() *judge.Rules // that count now
	Memory int                 // bytes of the engine's state
	Output alert.Output
	Meter  *alert.Meter // takes what is added up over sinks; nil for none
	Known  alert.Saved  // by a run before
	Record records.Config
	// Match compiles an expression over records, which was checked before.
	Match func(expression string) func(*flowlog.Record) bool
}

// Feed is an engine with its events. Its methods are safe for concurrent use.
type Feed struct {
	cfg    Config
	commit export.Commit

	mu       sync.Mutex // guards the following
	rules    *judge.Rules
	engine   *alert.Engine
	builder  *records.Builder
	ignores  [policy.NumKinds]bool // verdicts that no alert is about
	verdicts map[*event.Verdict]policy.Verdict
	records  bool   // activities need records
	run      []item // Activity events of one second, which come in any order; at most longest
	longest  int
	second   int64 // Unix nanoseconds: when that was emitted
}

// item is an activity with its flow.
type item struct {
	alert.Activity
	flow   policy.Flow
	record *flowlog.Record // nil if the policy needs none
}

// A part of the memory is for the activities of one second. If there are more flows in a second, those that do not fit are in the order in
// which they came.
const (
	runShare = 8
	itemSize = 1 << 10 // with the texts
	leastRun = 64
)

// New makes a feed for a policy with alerts.
func New(cfg Config) *Feed {
	part := cfg.Memory / runShare
	f := &Feed{cfg: cfg, rules: cfg.Rules(), longest: max(part/itemSize, leastRun)}
	f.engine = alert.NewEngine(alert.Config{
		Policy: f.rules.Policy, Memory: cfg.Memory - part, Emit: cfg.Output.Alert, Meter: cfg.Meter, Known: cfg.Known,
		Match: func(a *policy.Alert) func(*alert.Activity) bool {
			match := cfg.Match(a.Where)
			return func(x *alert.Activity) bool { return match(x.Record) }
		},
	})
	f.prepare()
	return f
}

// prepare finds what the alerts of the rules need.
func (f *Feed) prepare() {
	f.ignores = alert.Ignored(f.rules.Policy)
	if f.cfg.Meter != nil {
		f.ignores[policy.NotAllowed] = false
	}
	f.records = alert.Records(f.rules.Policy)
	f.cfg.Record.Services = f.rules.Services
	f.builder = records.NewBuilder(f.cfg.Record)
}

// Consumer returns the feed as what a queue writes to.
func (f *Feed) Consumer(commit export.Commit) export.Consumer {
	f.commit = commit
	return f
}

// Consume implements export.Consumer.
func (f *Feed) Consume(b *event.Batch, _ uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if rules := f.cfg.Rules(); rules != f.rules {
		f.flush()
		f.rules = rules
		f.engine.SetPolicy(rules.Policy)
		f.prepare()
	}
	var read, none [event.Kinds]uint64
	for i := range b.Events {
		e := &b.Events[i]
		if !Kinds.Has(e.Kind) {
			continue
		}
		read[e.Kind]++
		switch {
		case e.Policy == nil:
		case e.Kind == event.Activity:
			f.activity(b, e)
		case e.Proto == l7.DNS:
			f.lookup(b, e)
		}
	}
	f.commit(&read, &none, nil)
}

// longestBack is how far times may go back in one stream of events.
const longestBack = int64(10 * time.Minute)

// activity takes an Activity event. Those of one second are given to the engine together, in an order that does not depend on workers.
func (f *Feed) activity(b *event.Batch, e *event.Event) {
	verdict := f.verdictOf(e.Policy)
	if f.ignores[verdict.Kind] && !e.Window.Named { // what was counted before the name may not count with it
		return
	}
	if e.Nanos != f.second {
		f.flush()
		if e.Nanos < f.second-longestBack {
			f.engine.Restart()
		}
		f.second = e.Nanos
	}
	it := f.next()
	facts.OfEvent(&it.flow, b, e, f.rules.Services)
	it.Activity = alert.Activity{
		At: e.Flow.End, ID: e.FlowID, Started: e.Flow.Start, New: e.Window.Begins, Sent: e.Window.Payload[0], Total: e.Flow.Payload[0],
		Partial: e.Flow.Lost[0] > 0, Flow: &it.flow, Verdict: verdict, Clear: e.Window.Credentials,
	}
	if e.Direct != event.NotDirect && e.Direct != event.NoDNSSeen {
		it.Direct = e.Direct.String()
	}
	if f.records {
		record := f.builder.OfActivity(b, e)
		it.record = &record
	}
}

// next returns a new item at the end of the run.
func (f *Feed) next() *item {
	if len(f.run) == f.longest {
		f.flush()
	}
	n := len(f.run)
	if n < cap(f.run) {
		f.run = f.run[:n+1] // with its memory
	} else {
		f.run = append(f.run, item{})
	}
	return &f.run[n]
}

// flush gives the engine the activities of the second.
func (f *Feed) flush() {
	order := make([]*item, len(f.run))
	for i := range f.run {
		it := &f.run[i]
		it.Flow, it.Record = &it.flow, it.record // the run may have moved
		order[i] = it
	}
	slices.SortStableFunc(order, func(a, b *item) int { return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.ID, b.ID)) })
	for _, it := range order {
		f.engine.Observe(&it.Activity)
	}
	f.run = f.run[:0]
}

// Fields of lookups.
var (
	keyType   = l7.KeyOf("type")
	keyRRName = l7.KeyOf("rrname")
)

// lookup takes an event of DNS.
func (f *Feed) lookup(b *event.Batch, e *event.Event) {
	name, request := "", false
	for fields := b.Fields(e); len(fields) > 0 && name == ""; fields = fields[1:] {
		switch t := &fields[0]; {
		case t.Kind != l7.String:
		case t.Key == keyType:
			request = string(b.Text(t.Text)) == "request"
		case t.Key == keyRRName:
			name = string(b.Text(t.Text))
		}
	}
	verdict := f.verdictOf(e.Policy)
	if !request || name == "" || verdict.Reason == policy.NotEgress {
		return
	}
	f.flush()
	var flow policy.Flow
	facts.OfEvent(&flow, b, e, f.rules.Services)
	f.engine.Lookup(&alert.Activity{At: e.Nanos, ID: e.FlowID, Started: e.Flow.Start, Flow: &flow, Verdict: verdict, Query: name})
}

// mostVerdicts bounds the verdicts that are remembered; a judge remembers as many.
const mostVerdicts = 1 << 12

// verdictOf returns the verdict of an event. Judges give equal flows the same one.
func (f *Feed) verdictOf(v *event.Verdict) policy.Verdict {
	if known, ok := f.verdicts[v]; ok {
		return known
	}
	if f.verdicts == nil || len(f.verdicts) == mostVerdicts {
		f.verdicts = make(map[*event.Verdict]policy.Verdict, mostVerdicts)
	}
	of := policy.Verdict{
		Kind: policy.KindOf(v.Kind), Reason: policy.ReasonOf(v.Reason), Workload: v.Workload, Rule: v.Rule, By: policy.EvidenceOf(v.By), To: v.To,
	}
	f.verdicts[v] = of
	return of
}

// Flush implements export.Consumer. More activities of the second may come, unless it is the last time. Alerts that are open then stay so
// for whoever reads them.
func (f *Feed) Flush(reason export.FlushReason) {
	if reason != export.Finish {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.flush()
}

// Close implements export.Consumer.
func (*Feed) Close() error { return nil }

// patience is how long activities of a second wait for others of it on a live wire.
const patience = int64(2 * time.Second)

// Advance tells the time of a live run, Unix nanoseconds, so that alerts neither open late nor stay open on a quiet wire.
func (f *Feed) Advance(now int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if now-f.second >= patience {
		f.flush()
	}
	f.engine.Advance(now)
}

// Saved returns what should survive a restart.
func (f *Feed) Saved() alert.Saved {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.engine.Saved()
}

// Counts returns the engine's counts.
func (f *Feed) Counts() alert.Counters {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.engine.Count()
}
