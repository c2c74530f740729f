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
	Known Names  // names that were seen before; nil to begin with none
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
	detectors []detector
	open      *lru[Key, openAlert]
	now       int64
	swept     int64
	Counters  Counters
}

// Counters are the counts of an engine since its start.
type Counters struct {
	Activities uint64
	Opened     uint64
	Updated    uint64
	Resolved   uint64
	Suppressed uint64 // activities of open alerts that were not reported by themselves
	Evicted    uint64 // state that was dropped since the memory was used up
}

// detector looks for one kind of alert.
type detector interface {
	observe(e *Engine, a *Activity)
	evicted() uint64
}

// share of the memory that open alerts may take; detectors share the rest.
const openShare = 4

// NewEngine makes an engine for the alerts of a policy.
func NewEngine(cfg Config) *Engine {
	e := &Engine{cfg: cfg}
	e.open = newLRU[Key](cfg.Memory/openShare, (*openAlert).size)
	alerts := cfg.Policy.Alerts
	for i := range alerts {
		e.detectors = append(e.detectors, e.newDetector(&alerts[i], (cfg.Memory-cfg.Memory/openShare)/len(alerts)))
	}
	return e
}

func (e *Engine) newDetector(a *policy.Alert, memory int) detector {
	switch a.Kind {
	case policy.Exfiltration:
		return newExfiltration(a, memory)
	case policy.NewName:
		return newNewName(a, memory, e.cfg.Known)
	case policy.Beacon:
		return newBeacons(a, memory)
	case policy.DNSTunnel:
		return newTunnel(a, memory)
	case policy.LongConnection:
		return newLong(a, memory)
	default:
		return newFlowAlert(a, e.cfg)
	}
}

// Observe takes an activity. Activities come nearly in the order of their times.
func (e *Engine) Observe(a *Activity) {
	e.Counters.Activities++
	e.cfg.Meter.activity(a)
	e.now = max(e.now, a.At)
	for i, d := range e.detectors {
		if e.cfg.Policy.Alerts[i].For(a.Verdict.Workload) {
			d.observe(e, a)
		}
	}
	e.Advance(e.now)
}

// sweepInterval is how often alerts are looked through that may be over.
const sweepInterval = int64(time.Minute)

// Advance tells the engine the time, Unix nanoseconds, so that alerts are resolved when nothing happens.
func (e *Engine) Advance(now int64) {
	e.now = max(e.now, now)
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
	e.countEvictions()
}

func (e *Engine) countEvictions() {
	e.Counters.Evicted = e.open.drops
	for _, d := range e.detectors {
		e.Counters.Evicted += d.evicted()
	}
}

// Close resolves nothing: alerts that are open stay so for whoever reads them. It counts what was evicted.
func (e *Engine) Close() { e.countEvictions() }

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
	al.Interface, al.Account, al.Addr, al.Port = a.Flow.Source.Interface, a.Flow.Source.Account, a.Flow.Addr, a.Flow.Port
	al.Count++
	if f.bytes > 0 {
		al.Bytes = f.bytes
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
		e.Counters.Suppressed++
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
		e.Counters.Opened++
		e.cfg.Meter.opened(o.alert.Rule)
	case Updated:
		e.Counters.Updated++
	case Resolved:
		e.Counters.Resolved++
	case numStates:
	}
	o.reported = e.now
	out := o.alert
	out.State, out.Flows = s, slices.Clone(o.alert.Flows)
	e.cfg.Emit(&out)
}
