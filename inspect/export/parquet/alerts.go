package parquet

import (
	"cmp"
	"context"
	"sync"
	"time"

	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/policy/alert"
)

// AlertsConfig configures an AlertWriter.
type AlertsConfig struct {
	Account, Region string // of interfaces for which the inventory does not know them
	Sink            string // the host of the program
	Block           bool   // wait for the disk instead of dropping: for captures, which can wait
}

// AlertWriter writes alerts into Parquet files: Detection Findings of the Open Cybersecurity Schema Framework, in the folders of a custom
// source of Security Lake. Each report of an alert is a row. Its methods are safe for concurrent use.
type AlertWriter struct {
	files *writer[alert.Alert]
	block bool
	done  chan struct{}

	mu      sync.Mutex // guards the following
	work    sync.Cond  // alerts wait, or the writer is closing
	room    sync.Cond  // there is room for alerts, or the writer is closing
	waiting []alert.Alert
	closing bool
	counts  AlertCounts
}

// AlertCounts has the outcome of alerts. At all times Taken is the sum of Written, Dropped and Waiting.
type AlertCounts struct{ Taken, Written, Dropped, Waiting uint64 }

// maxAlerts bounds the alerts that wait for the goroutine that writes. Those that wait for their file are bounded by Config.Memory.
const maxAlerts = 1024

// anyKind is the kind as which a writer counts rows that are of no event.
const anyKind = event.AppLayer

var _ alert.Output = (*AlertWriter)(nil)

// NewAlertWriter opens the folder, which may be that of a FlowWriter. It does not use the configuration's schema.
func NewAlertWriter(cfg Config, alerts AlertsConfig) (*AlertWriter, error) {
	files, err := newWriter(cfg, findingTable(&alerts), naming{service: "mirrorsinkalerts", lake: true})
	if err != nil {
		return nil, err
	}
	w := &AlertWriter{files: files, block: alerts.Block, done: make(chan struct{})}
	w.work.L, w.room.L = &w.mu, &w.mu
	go w.run()
	return w, nil
}

// Alert implements alert.Output.
func (w *AlertWriter) Alert(a *alert.Alert) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.block && !w.closing && len(w.waiting) >= maxAlerts {
		w.room.Wait()
	}
	w.counts.Taken++
	if w.closing || len(w.waiting) >= maxAlerts {
		w.counts.Dropped++
		return
	}
	w.waiting = append(w.waiting, *a)
	w.work.Signal()
}

// run writes the alerts that wait, until the writer is closed.
func (w *AlertWriter) run() {
	defer close(w.done)
	for {
		all, more := w.take()
		last := make([]uint8, len(all))
		for i := range last {
			last[i] = lastOf(anyKind)
		}
		if len(all) > 0 {
			w.files.write(all, last)
		}
		if !more {
			w.files.finish()
			return
		}
	}
}

// take waits for alerts, and takes all.
func (w *AlertWriter) take() (all []alert.Alert, more bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.waiting) == 0 && !w.closing {
		w.work.Wait()
	}
	all, w.waiting = w.waiting, nil
	w.room.Broadcast()
	return all, !w.closing
}

// Counts returns the outcome of the alerts so far.
func (w *AlertWriter) Counts() AlertCounts {
	w.mu.Lock()
	defer w.mu.Unlock()
	o, _ := w.files.drain()
	w.counts.Written += o.written[anyKind]
	w.counts.Dropped += o.lost[anyKind]
	c := w.counts
	c.Waiting = c.Taken - c.Written - c.Dropped
	return c
}

// Close finishes the files, until ctx ends. Its error is the first of a write.
func (w *AlertWriter) Close(ctx context.Context) error {
	w.mu.Lock()
	w.closing = true
	w.work.Broadcast()
	w.room.Broadcast()
	w.mu.Unlock()
	select {
	case <-w.done:
	case <-ctx.Done():
	}
	w.files.close()
	w.Counts()
	_, err := w.files.drain()
	return err
}

// Identifiers of OCSF: https://schema.ocsf.io/1.3.0/classes/detection_finding.
const (
	findingCategory = 2 // Findings
	findingClass    = 2004
)

// ocsfEnum is an enumerated value of OCSF: its number and its word.
type ocsfEnum struct {
	id   int64
	word string
}

// Activities and states of a finding, by the state of the alert, and severities.
var (
	findingActivities = [...]ocsfEnum{alert.Opened: {1, "Create"}, alert.Updated: {2, "Update"}, alert.Resolved: {3, "Close"}}
	findingStates     = [...]ocsfEnum{alert.Opened: {1, "New"}, alert.Updated: {2, "In Progress"}, alert.Resolved: {4, "Resolved"}}
	findingSeverities = map[string]ocsfEnum{"low": {2, "Low"}, "medium": {3, "Medium"}, "high": {4, "High"}}
)

type alertColumn = column[alert.Alert]

// findingTable has the columns of OCSF's Detection Finding. What OCSF has no single field for is in its unmapped object.
func findingTable(cfg *AlertsConfig) *table[alert.Alert] {
	account := func(a *alert.Alert) string { return cmp.Or(a.Account, cfg.Account) }
	t := &table[alert.Alert]{
		sorted: "time",
		at:     func(a *alert.Alert) int64 { return floorDiv(a.Last, int64(time.Second)) },
		where:  func(a *alert.Alert) locality { return locality{account(a), cfg.Region} },
	}
	for _, columns := range [][]alertColumn{
		findingBase(), findingInfo(),
		{
			alertWord("metadata.version", ocsfVersion), alertWord("metadata.product.name", "mirrorsink"), alertWord("metadata.product.vendor_name", "mirrorsink"),
			alertWord("cloud.provider", "AWS"), alertWord("cloud.region", cfg.Region), textColumn("cloud.account.uid", account),
		},
		findingUnmapped(cfg),
	} {
		t.columns = append(t.columns, columns...)
	}
	return t
}

func findingBase() []alertColumn {
	number := func(path string, of func(*alert.Alert) int64) alertColumn {
		return intColumn(path, int32Type, func(a *alert.Alert) (int64, bool) { return of(a), true })
	}
	return []alertColumn{
		number("activity_id", func(a *alert.Alert) int64 { return findingActivities[a.State].id }),
		textColumn("activity_name", func(a *alert.Alert) string { return findingActivities[a.State].word }),
		number("category_uid", func(*alert.Alert) int64 { return findingCategory }),
		alertWord("category_name", "Findings"),
		number("class_uid", func(*alert.Alert) int64 { return findingClass }),
		alertWord("class_name", "Detection Finding"),
		intColumn("type_uid", int64Type, func(a *alert.Alert) (int64, bool) { return findingClass*100 + findingActivities[a.State].id, true }),
		textColumn("type_name", func(a *alert.Alert) string { return "Detection Finding: " + findingActivities[a.State].word }),
		number("severity_id", func(a *alert.Alert) int64 { return findingSeverities[a.Severity.String()].id }),
		textColumn("severity", func(a *alert.Alert) string { return findingSeverities[a.Severity.String()].word }),
		number("status_id", func(a *alert.Alert) int64 { return findingStates[a.State].id }),
		textColumn("status", func(a *alert.Alert) string { return findingStates[a.State].word }),
		number("confidence_id", func(a *alert.Alert) int64 {
			if a.Uncertain {
				return 1 // Low
			}
			return 3 // High
		}),
		millis("time", func(a *alert.Alert) int64 { return a.Last }),
		millis("start_time", func(a *alert.Alert) int64 { return a.First }),
		millis("end_time", func(a *alert.Alert) int64 { return a.Last }),
		number("count", func(a *alert.Alert) int64 { return int64(min(a.Count, 1<<31-1)) }),
		textColumn("message", func(a *alert.Alert) string { return a.Evidence }),
	}
}

// millis returns a column of times, given in Unix nanoseconds.
func millis(path string, of func(*alert.Alert) int64) alertColumn {
	return intColumn(path, int64Type, func(a *alert.Alert) (int64, bool) { return floorDiv(of(a), int64(time.Millisecond)), true })
}

func findingInfo() []alertColumn {
	return []alertColumn{
		textColumn("finding_info.uid", func(a *alert.Alert) string { return a.ID() }),
		textColumn("finding_info.title", func(a *alert.Alert) string { return a.Title() }),
		millis("finding_info.first_seen_time", func(a *alert.Alert) int64 { return a.First }),
		millis("finding_info.last_seen_time", func(a *alert.Alert) int64 { return a.Last }),
		textColumn("finding_info.analytic.name", func(a *alert.Alert) string { return a.Rule }),
		textColumn("finding_info.analytic.uid", func(a *alert.Alert) string { return a.Kind.String() }),
		intColumn("finding_info.analytic.type_id", int32Type, func(*alert.Alert) (int64, bool) { return 1, true }), // Rule
	}
}

func findingUnmapped(cfg *AlertsConfig) []alertColumn {
	flow := func(n int, path string, of func(alert.FlowBytes) (int64, bool)) alertColumn {
		return intColumn(path, int64Type, func(a *alert.Alert) (int64, bool) {
			if n >= len(a.Flows) {
				return 0, false
			}
			return of(a.Flows[n])
		})
	}
	columns := []alertColumn{
		textColumn("unmapped.workload", func(a *alert.Alert) string { return a.Workload }),
		textColumn("unmapped.source", func(a *alert.Alert) string { return a.Source }),
		textColumn("unmapped.interface_id", func(a *alert.Alert) string { return a.Interface }),
		textColumn("unmapped.destination", func(a *alert.Alert) string { return a.To }),
		textColumn("unmapped.dstaddr", func(a *alert.Alert) string {
			if !a.Addr.IsValid() {
				return ""
			}
			return a.Addr.String()
		}),
		intColumn("unmapped.dstport", int32Type, func(a *alert.Alert) (int64, bool) { return int64(a.Port), a.Port != 0 }),
		intColumn("unmapped.bytes", int64Type, func(a *alert.Alert) (int64, bool) { return clampInt64(a.Bytes), true }),
		intColumn("unmapped.repeats", int64Type, func(a *alert.Alert) (int64, bool) { return clampInt64(a.Repeats), true }),
		boolColumn("unmapped.uncertain", func(a *alert.Alert) (bool, bool) { return a.Uncertain, true }),
		alertWord("unmapped.sink", cfg.Sink),
	}
	for n, name := range []string{"first", "second", "third"} {
		columns = append(columns,
			flow(n, "unmapped."+name+"_flow_id", func(f alert.FlowBytes) (int64, bool) { return int64(f.ID), true }),
			flow(n, "unmapped."+name+"_flow_bytes", func(f alert.FlowBytes) (int64, bool) { return clampInt64(f.Bytes), true }))
	}
	return columns
}

func alertWord(path, word string) alertColumn {
	return textColumn(path, func(*alert.Alert) string { return word })
}
