package alert

import (
	"slices"
	"time"

	"github.com/mirrorsink/mirrorsink/inspect/policy"
)

// Config configures an Engine.
type Config struct {
	Policy *policy.Policy
	Memory int          // bytes of all state
	Emit   func(*Alert) // takes each alert when it is opened, updated or resolved
	// Match returns the expression of an alert as a function of an activity. It is called once for each alert of kind Match.
	Match func(a *policy.Alert) func(*Activity) bool
	Known Saved  // by an engine before
	Meter *Meter // takes what is added up over sinks; nil for none
}

// Timing of alerts, in packet time.
const (
	updateInterval = 5 * time.Minute // an open alert is reported again at most this often, as Alertmanager's group_interval
	quiet          = time.Hour       // an alert without new activity for this long is resolved, as Zeek suppresses a notice
)

// An Engine finds alerts. It is not safe for concurrent use.
type Engine struct {
	cfg       Config
	detectors []detector // by alert of the policy
	open      *lru[Key, openAlert]
	ended     []*openAlert // were open at an engine before, and have no rule now
	started   bool         // the time is known
	gone      uint64       // what detectors that are no more have evicted
	now       int64
	swept     int64
	counters  Counters // but for Evicted
}

// Counters are the counts of an engine since its start.
type Counters struct {
	Activities uint64
	Opened     uint64
	Updated    uint64
	Resolved   uint64
	Suppressed uint64 // activities of open alerts that were not reported by themselves
	Evicted    uint64 // state that was dropped since the memory was used up
	Open       uint64 // gauge: alerts that are not resolved
}

// detector looks for one kind of alert.
type detector interface {
	observe(e *Engine, a *Activity)
	evicted() uint64
	bound(memory int) // sets how much memory it may take
}

// stateless is the part of a detector that keeps nothing between activities.
type stateless struct{}

func (stateless) evicted() uint64 { return 0 }

func (stateless) bound(int) {}

// share of the memory that open alerts may take; detectors share the rest.
const openShare = 4

// NewEngine makes an engine for the alerts of a policy.
func NewEngine(cfg Config) *Engine {
	e := &Engine{cfg: cfg}
	e.open = newLRU[Key](cfg.Memory/openShare, (*openAlert).size)
	for i := range cfg.Policy.Alerts {
		e.detectors = append(e.detectors, e.newDetector(&cfg.Policy.Alerts[i], e.share(cfg.Policy)))
	}
	for i := range cfg.Known.Open {
		e.reopen(&cfg.Known.Open[i])
	}
	e.cfg.Known = Saved{}
	return e
}

// reopen takes an alert that was open at an engine before. It is not reported again.
func (e *Engine) reopen(from *Open) {
	o := openAlert{from.Alert, from.Quiet, from.Reported}
	if !slices.ContainsFunc(e.cfg.Policy.Alerts, func(a policy.Alert) bool { return a.Name == o.alert.Rule && a.Kind == o.alert.Kind }) {
		e.ended = append(e.ended, &o)
		return
	}
	kept, _ := e.open.get(o.alert.Key)
	*kept = o
	e.open.settle(o.alert.Key)
}

// longestAhead is how much later than now an alert of an engine before may be. If it is, time went back, as in another capture.
const longestAhead = int64(10 * time.Minute)

// start deals with the alerts of an engine before, once the time is known.
func (e *Engine) start(now int64) {
	e.started, e.now = true, now
	for key, o := range e.open.oldest {
		if o.alert.Last > now+longestAhead {
			e.open.drop(key)
		}
	}
	for _, o := range e.ended {
		o.report(e, Resolved)
	}
	e.ended = nil
}

// clock takes the time.
func (e *Engine) clock(now int64) {
	if !e.started {
		e.start(now)
	}
	e.now = max(e.now, now)
}

// share returns the memory of a detector.
func (e *Engine) share(p *policy.Policy) int {
	return (e.cfg.Memory - e.cfg.Memory/openShare) / max(len(p.Alerts), 1)
}

// SetPolicy makes the engine go on with another policy. Alerts that are the same as before keep their state. Open ones whose rule is gone
// are resolved.
func (e *Engine) SetPolicy(p *policy.Policy) {
	e.cfg.Known = e.names()
	before, old := e.cfg.Policy.Alerts, e.detectors
	e.cfg.Policy, e.detectors = p, nil
	for _, d := range old {
		e.gone += d.evicted()
	}
	rules := map[string]bool{}
	for i := range p.Alerts {
		a := &p.Alerts[i]
		rules[a.Name] = true
		if at := slices.IndexFunc(before, a.Same); at >= 0 {
			e.gone -= old[at].evicted()
			old[at].bound(e.share(p))
			e.detectors = append(e.detectors, old[at])
			continue
		}
		e.detectors = append(e.detectors, e.newDetector(a, e.share(p)))
	}
	for key, o := range e.open.oldest {
		if !rules[key.Rule] {
			o.report(e, Resolved)
			e.open.drop(key)
		}
	}
}

func (e *Engine) newDetector(a *policy.Alert, memory int) detector {
	switch a.Kind {
	case policy.Exfiltration:
		return newExfiltration(a, memory)
	case policy.NewName:
		return newNewName(a, memory, &e.cfg.Known)
	case policy.Beacon:
		return newBeacons(a, memory)
	case policy.DNSTunnel:
		return newTunnel(a, memory)
	case policy.LongConnection:
		return &long{rule: a}
	default:
		return newFlowAlert(a, e.cfg)
	}
}

// Observe takes an activity. Activities come nearly in the order of their times.
func (e *Engine) Observe(a *Activity) {
	e.counters.Activities++
	e.cfg.Meter.activity(a)
	e.clock(a.At)
	for i, d := range e.detectors {
		if e.cfg.Policy.Alerts[i].For(a.Verdict.Workload) {
			d.observe(e, a)
		}
	}
	e.Advance(e.now)
}

// Lookup takes a DNS query of a workload, whose name is a.Query. It is no other activity.
func (e *Engine) Lookup(a *Activity) {
	e.clock(a.At)
	for i, d := range e.detectors {
		if t, ok := d.(*tunnel); ok && e.cfg.Policy.Alerts[i].For(a.Verdict.Workload) {
			t.lookup(e, a)
		}
	}
	e.Advance(e.now)
}

// Restart forgets all but names: time went back, as in the next of several captures.
func (e *Engine) Restart() {
	e.gone = e.Count().Evicted
	e.cfg.Known, e.now, e.swept = e.names(), 0, 0
	e.open = newLRU[Key](e.open.limit, (*openAlert).size)
	for i := range e.detectors {
		e.detectors[i] = e.newDetector(&e.cfg.Policy.Alerts[i], e.share(e.cfg.Policy))
	}
}

// Ignored reports by verdict whether no alert of a policy is about flows with it.
func Ignored(p *policy.Policy) (by [policy.NumKinds]bool) {
	for k := range policy.NumKinds {
		by[k] = !slices.ContainsFunc(p.Alerts, func(a policy.Alert) bool { return isAbout(&a, k) })
	}
	return by
}

// isAbout reports whether an alert is about flows with a verdict.
func isAbout(a *policy.Alert, k policy.Kind) bool {
	switch {
	case a.Kind == policy.Match:
		return true
	case k == policy.Exempt:
		return false
	case k == policy.Allowed:
		return a.Kind != policy.Violation && (a.Kind != policy.Exfiltration || a.Everywhere)
	default:
		return true
	}
}

// Records reports whether a policy has alerts that need the records of activities.
func Records(p *policy.Policy) bool {
	return slices.ContainsFunc(p.Alerts, func(a policy.Alert) bool { return a.Kind == policy.Match })
}

// sweepInterval is how often alerts are looked through that may be over.
const sweepInterval = int64(time.Minute)

// Advance tells the engine the time, Unix nanoseconds, so that alerts are resolved when nothing happens.
func (e *Engine) Advance(now int64) {
	e.clock(now)
	if e.now-e.swept < sweepInterval {
		return
	}
	e.swept = e.now
	for key, o := range e.open.oldest {
		if e.now-o.alert.Last < int64(o.quiet) {
			continue
		}
		o.report(e, Resolved)
		e.open.drop(key)
	}
}

// Count returns the counts so far.
func (e *Engine) Count() Counters {
	c := e.counters
	c.Evicted, c.Open = e.gone+e.open.drops, uint64(e.open.order.Len())
	for _, d := range e.detectors {
		c.Evicted += d.evicted()
	}
	return c
}

// openAlert is an alert that is not resolved.
type openAlert struct {
	alert    Alert
	quiet    time.Duration
	reported int64 // when it was reported last
}

func (o *openAlert) size() int { return 400 + 48*len(o.alert.Flows) }

// fact is what a detector found in an activity.
type fact struct {
	rule      *policy.Alert
	to        string
	bytes     uint64        // 0 to add up what the workload sent
	evidence  string        // one line
	quiet     time.Duration // 0 is quiet
	uncertain bool
}

// raise opens the alert of a fact, or updates it.
func (e *Engine) raise(a *Activity, f fact) {
	key := Key{f.rule.Name, a.Verdict.Workload, a.source(), f.to}
	o, fresh := e.open.get(key)
	if fresh {
		o.alert = Alert{Key: key, Kind: f.rule.Kind, Severity: f.rule.Severity, First: a.At}
		o.quiet = max(f.quiet, quiet)
	}
	al := &o.alert
	al.Last, al.Evidence, al.Uncertain = max(al.Last, a.At), f.evidence, f.uncertain
	src := &a.Flow.Source
	al.Interface, al.Instance, al.Account, al.From = src.Interface, src.Instance, src.Account, src.Addr
	al.Addr, al.Port, al.Protocol, al.Flow = a.Flow.Addr, a.Flow.Port, a.Flow.Protocol, a.ID
	al.Count++
	if f.bytes > 0 {
		al.Bytes, al.Within = max(al.Bytes, f.bytes), f.rule.Within
	} else {
		al.Bytes += a.Sent
	}
	al.Flows = addFlow(al.Flows, FlowBytes{a.ID, a.Flow.Addr, a.Flow.Port, a.Total})
	switch {
	case fresh:
		o.report(e, Opened)
	case e.now-o.reported >= int64(updateInterval):
		o.report(e, Updated)
	default:
		al.Repeats++
		e.counters.Suppressed++
	}
	e.open.settle(key)
}

// maxFlows is how many flows an alert names.
const maxFlows = 3

func addFlow(flows []FlowBytes, f FlowBytes) []FlowBytes {
	if i := slices.IndexFunc(flows, func(o FlowBytes) bool { return o.ID == f.ID }); i >= 0 {
		flows[i] = f
	} else {
		flows = append(flows, f)
	}
	slices.SortStableFunc(flows, func(a, b FlowBytes) int {
		switch {
		case a.Bytes > b.Bytes:
			return -1
		case a.Bytes < b.Bytes:
			return 1
		}
		return 0
	})
	return flows[:min(len(flows), maxFlows)]
}

// report gives a copy of the alert away.
func (o *openAlert) report(e *Engine, s State) {
	switch s {
	case Opened:
		e.counters.Opened++
		e.cfg.Meter.opened(o.alert.Rule)
	case Updated:
		e.counters.Updated++
	case Resolved:
		e.counters.Resolved++
	case numStates:
	}
	o.reported = e.now
	out := o.alert
	out.State, out.Flows = s, slices.Clone(o.alert.Flows)
	e.cfg.Emit(&out)
}
