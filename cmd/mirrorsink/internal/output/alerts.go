package output

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/spf13/pflag"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/flags"
	"github.com/mirrorsink/mirrorsink/inspect/export/aws"
	"github.com/mirrorsink/mirrorsink/inspect/policy/alert"
	"github.com/mirrorsink/mirrorsink/inspect/policy/alert/message"
	"github.com/mirrorsink/mirrorsink/inspect/policy/alert/send"
)

// alertOptions are the outputs of alerts, and of the sums that go with them.
type alertOptions struct {
	to      []string
	metrics string // a namespace of CloudWatch, "" for none
}

// asEvents is the output of alerts that are events as others are.
const asEvents = "eve"

func (o *alertOptions) addTo(f *pflag.FlagSet) {
	g := flags.In(f, flags.Policy)
	g.Strings(&o.to, "alert", "OUTPUT", "send the alerts of the policy to "+strings.Join(alertWants(), ", ")+"; see \"help alerts\" (repeatable)")
	words := make([]string, 0, 8)
	for _, want := range alertWants() {
		words = append(words, strings.TrimRight(want, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
	}
	slices.SortStableFunc(words, func(a, b string) int { return strings.Count(a, ":") - strings.Count(b, ":") })
	flags.Suggest(f, "alert", words...)
	g.String(&o.metrics, "cloudwatch-metrics", "NAMESPACE", "send metrics to this namespace of CloudWatch: bytes to destinations that are not allowed, alerts, receive drops")
}

// alertWants are all ways to give an output of alerts.
func alertWants() []string { return append([]string{asEvents}, send.Kinds()...) }

// namespace is what https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html lets a namespace be called.
var namespace = regexp.MustCompile(`^[A-Za-z0-9._/#-]{1,255}$`)

func (o *alertOptions) check() error {
	for i, spec := range o.to {
		switch {
		case spec != asEvents && !send.Known(spec):
			return flags.Usagef("--alert %q: want %s", spec, strings.Join(alertWants(), ", "))
		case slices.Contains(o.to[:i], spec):
			return flags.Usagef("--alert %s is given twice", spec)
		}
	}
	if o.metrics != "" && (!namespace.MatchString(o.metrics) || strings.HasPrefix(o.metrics, "AWS/")) {
		return flags.Usagef("--cloudwatch-metrics %q: want a namespace such as Mirrorsink: letters, digits and . - _ / #, and not AWS/", o.metrics)
	}
	return nil
}

// sent are the outputs but that of events.
func (o *alertOptions) sent() (specs []string) {
	return slices.DeleteFunc(slices.Clone(o.to), func(spec string) bool { return spec == asEvents })
}

// HasAlerts reports whether there is an output of alerts.
func (o *Options) HasAlerts() bool { return len(o.alerts.to) > 0 }

// AlertEvents reports whether alerts are events too.
func (o *Options) AlertEvents() bool { return slices.Contains(o.alerts.to, asEvents) }

// Alerts takes alerts to all outputs but those of events, and sums to CloudWatch.
type Alerts struct {
	queues  []*send.Queue
	metrics *aws.Metrics // nil for none
}

var _ alert.Output = (*Alerts)(nil)

// AlertsConfig is what the outputs of alerts need to know.
type AlertsConfig struct {
	Context context.Context // of the opening alone
	Bytes   int             // how much memory all may hold
	Block   bool            // a full output stops the reading, which a capture can bear, instead of dropping alerts
	Meter   *alert.Meter    // sums for CloudWatch
	Drops   func() uint64   // datagrams that sources lost so far; nil if they cannot
	Log     *slog.Logger
}

// OpenAlerts opens the outputs of alerts. There may be none. After an error none is open.
func (o *Options) OpenAlerts(to AlertsConfig) (*Alerts, error) {
	a := &Alerts{}
	if err := o.alerts.open(a, to, &o.spool); err != nil {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_ = a.Close(ctx) // what an earlier run has left stays
		return nil, err
	}
	return a, nil
}

func (o *alertOptions) open(a *Alerts, to AlertsConfig, spool *spoolOptions) error {
	host, _ := os.Hostname() // it is for people alone
	specs, names := o.sent(), map[string]int{}
	for _, spec := range specs {
		name := send.NameOf(spec)
		names[name]++
		if n := names[name]; n > 1 {
			name = fmt.Sprint(name, "-", n)
		}
		q, err := send.Open(to.Context, send.Config{
			Spec: spec, Name: name, Sink: &message.Sink{Host: host}, Dir: spool.folder("alerts", alertFolder(spec)),
			Bytes: int64(spool.size) / alertShare / int64(len(specs)), Memory: to.Bytes / len(specs), Block: to.Block, Log: to.Log,
		})
		if err != nil {
			return fmt.Errorf("--alert %s: %w", send.NameOf(spec), err)
		}
		a.queues = append(a.queues, q)
	}
	if o.metrics == "" {
		return nil
	}
	client, err := aws.Open(to.Context, aws.Config{})
	if err != nil {
		return err
	}
	a.metrics = client.NewMetrics(aws.MetricsConfig{Namespace: o.metrics, Log: to.Log, Take: func() []aws.Total { return totals(to) }})
	return nil
}

// alertFolder is the name of an output's folder: its address may be a secret, and longer than names of files.
func alertFolder(spec string) string {
	sum := sha256.Sum256([]byte(spec))
	return send.NameOf(spec) + "-" + hex.EncodeToString(sum[:6])
}

// totals are the counters that CloudWatch gets. None names the sink, so that those of several sinks add up.
func totals(to AlertsConfig) []aws.Total {
	sums := to.Meter.Totals()
	bytes := aws.Total{Name: "NotAllowedBytes", Bytes: true}
	alerts := aws.Total{Name: "Alerts"}
	var all []aws.Total
	for workload, n := range sums.NotAllowed {
		bytes.Sum += n
		if workload != "" {
			all = append(all, aws.Total{Name: bytes.Name, Bytes: true, Dimension: "Workload", Value: workload, Sum: n})
		}
	}
	for rule, n := range sums.Opened {
		alerts.Sum += n
		all = append(all, aws.Total{Name: alerts.Name, Dimension: "Rule", Value: rule, Sum: n})
	}
	all = append(all, bytes, alerts)
	if to.Drops != nil {
		all = append(all, aws.Total{Name: "ReceiveDrops", Sum: to.Drops()})
	}
	return all
}

// Alert implements alert.Output.
func (a *Alerts) Alert(x *alert.Alert) {
	for _, q := range a.queues {
		q.Alert(x)
	}
}

// AlertCounts has what became of the alerts of an output.
type AlertCounts struct {
	Output string
	send.Counts
}

// Counts returns what became of the alerts, by output.
func (a *Alerts) Counts() (all []AlertCounts) {
	for _, q := range a.queues {
		all = append(all, AlertCounts{q.Name(), q.Counts()})
	}
	return all
}

// Metrics returns what became of the metrics for CloudWatch.
func (a *Alerts) Metrics() (c aws.MetricCounts) {
	if a.metrics != nil {
		c = a.metrics.Counts()
	}
	return c
}

// Undelivered returns, for each output with alerts that wait, how many do and why.
func (a *Alerts) Undelivered() (parts []string) {
	for _, q := range a.queues {
		if n := q.Counts().Waiting; n > 0 {
			to, why := q.LastError()
			part := fmt.Sprintf("%d alerts for %s", n, to)
			if why != nil {
				part += fmt.Sprintf(" (%v)", why)
			}
			parts = append(parts, part)
		}
	}
	return parts
}

// Close delivers until ctx ends. No alert may be given after it has begun. The error has what stays for the next start, and the reason.
func (a *Alerts) Close(ctx context.Context) error {
	errs := make([]error, len(a.queues)+1)
	var wg sync.WaitGroup
	for i, q := range a.queues {
		wg.Go(func() { errs[i] = q.Close(ctx) })
	}
	if a.metrics != nil {
		wg.Go(func() { errs[len(a.queues)] = a.metrics.Close(ctx) })
	}
	wg.Wait()
	return errors.Join(errs...)
}
