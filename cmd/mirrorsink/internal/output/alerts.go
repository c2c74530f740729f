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
	"time"

	"github.com/spf13/pflag"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/flags"
	"github.com/mirrorsink/mirrorsink/inspect/export/aws"
	"github.com/mirrorsink/mirrorsink/inspect/policy/alert"
	"github.com/mirrorsink/mirrorsink/inspect/policy/alert/message"
	"github.com/mirrorsink/mirrorsink/inspect/policy/alert/send"
)

// alertOptions are the outputs of alerts, and of the sums that go with them.
type alertOptions struct {
	to         []string
	metrics    string   // a namespace of CloudWatch, "" for none
	dimensions []string // NAME=VALUE, of the metrics of receiving
}

// inTables is how the output of alerts in Parquet files begins.
const inTables = "parquet:"

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
	g.String(&o.metrics, "cloudwatch-metrics", "NAMESPACE", "send metrics to this namespace of CloudWatch: what is received and dropped, what waits in the spool, bytes to destinations that are not allowed, alerts")
	g.Strings(&o.dimensions, "cloudwatch-dimension", "NAME=VALUE", "send the metrics of receiving with this dimension too, such as AutoScalingGroupName=sinks (repeatable)")
}

// alertWants are all ways to give an output of alerts.
func alertWants() []string {
	return append(append([]string{asEvents}, send.Kinds()...), inTables+"DIR")
}

// namespace is what https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html lets a namespace be called.
var namespace = regexp.MustCompile(`^[A-Za-z0-9._/#-]{1,255}$`)

// dimension is what https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_Dimension.html lets a dimension be.
var dimension = regexp.MustCompile(`^[!-9;<>-~][!-<>-~]{0,254}=[!-~][ -~]{0,999}$`)

func (o *alertOptions) check() error {
	for i, spec := range o.to {
		switch {
		case spec == inTables, spec != asEvents && !strings.HasPrefix(spec, inTables) && !send.Known(spec):
			return flags.Usagef("--alert %q: want %s", spec, strings.Join(alertWants(), ", "))
		case slices.Contains(o.to[:i], spec):
			return flags.Usagef("--alert %s is given twice", spec)
		}
	}
	for _, dir := range o.tables() {
		if err := checkPlace("--alert "+inTables, dir); err != nil {
			return err
		}
	}
	for _, d := range o.dimensions {
		if !dimension.MatchString(d) {
			return flags.Usagef("--cloudwatch-dimension %q: want NAME=VALUE, in printable ASCII and of up to 255 and 1000 characters", d)
		}
	}
	if o.metrics != "" && (!namespace.MatchString(o.metrics) || strings.HasPrefix(o.metrics, "AWS/")) {
		return flags.Usagef("--cloudwatch-metrics %q: want a namespace such as Mirrorsink: letters, digits and . - _ / #, and not AWS/", o.metrics)
	}
	return nil
}

// CheckAlerts reports outputs of alerts, and namespaces of sums, that cannot be.
func CheckAlerts(outputs, namespaces []string) error {
	o := alertOptions{to: outputs}
	if err := o.check(); err != nil {
		return err
	}
	for _, o.metrics = range namespaces {
		if err := o.check(); err != nil {
			return err
		}
	}
	return nil
}

// sent are the outputs but that of events and those of tables.
func (o *alertOptions) sent() (specs []string) {
	return slices.DeleteFunc(slices.Clone(o.to), func(spec string) bool { return spec == asEvents || strings.HasPrefix(spec, inTables) })
}

// tables are the folders and buckets for Parquet files.
func (o *alertOptions) tables() (dirs []string) {
	for _, spec := range o.to {
		if dir, ok := strings.CutPrefix(spec, inTables); ok {
			dirs = append(dirs, dir)
		}
	}
	return dirs
}

// buckets is how many of the tables are in S3.
func (o *alertOptions) buckets() (n int) {
	for _, dir := range o.tables() {
		if isBucket(dir) {
			n++
		}
	}
	return n
}

// spooled is how many of the outputs are behind the spool.
func (o *alertOptions) spooled() int { return len(o.sent()) + o.buckets() }

// AddAlertEvents makes the alerts of a policy events as others are.
func (o *Options) AddAlertEvents() {
	o.Judged, o.alerts.to = true, append(o.alerts.to, asEvents)
}

// HasAlerts reports whether there is an output of alerts.
func (o *Options) HasAlerts() bool { return len(o.alerts.to) > 0 }

// HasSums reports whether sums of what flows do go to CloudWatch.
func (o *Options) HasSums() bool { return o.alerts.metrics != "" }

// AlertEvents reports whether alerts are events too.
func (o *Options) AlertEvents() bool { return slices.Contains(o.alerts.to, asEvents) }

// Alerts takes alerts to all outputs but those of events, and sums to CloudWatch.
type Alerts struct {
	outputs []alertOutput
	metrics *aws.Metrics // nil for none
	overdue []bool       // by output: it was reported
}

// overdueAfter is how long alerts wait before the log says so, once for each outage. A digest takes a minute, and most outages are shorter.
const overdueAfter = 10 * time.Minute

// ReportOverdue logs outputs whose alerts have begun to wait for too long, and those that deliver again. It must not be called by several at
// once.
func (a *Alerts) ReportOverdue(log *slog.Logger) {
	if a.overdue == nil {
		a.overdue = make([]bool, len(a.outputs))
	}
	for i, out := range a.outputs {
		c := out.Counts()
		late := c.Waiting > 0 && c.OldestAge >= overdueAfter
		if late == a.overdue[i] {
			continue
		}
		a.overdue[i] = late
		if to, why := out.LastError(); late {
			log.Error("alerts are not delivered", "output", out.Name(), "to", to, "waiting", c.Waiting, "oldest", c.OldestAge.Round(time.Second), "error", why)
		} else {
			log.Info("alerts are delivered again", "output", out.Name())
		}
	}
}

// alertOutput is one output of alerts.
type alertOutput interface {
	alert.Output
	Name() string // in metrics
	Counts() send.Counts
	LastError() (to string, why error)
	Close(ctx context.Context) error
}

var _ alert.Output = (*Alerts)(nil)

// AlertsConfig is what the outputs of alerts need to know.
type AlertsConfig struct {
	Context context.Context // of the opening alone
	Bytes   int             // how much memory all may hold
	Block   bool            // a full output stops the reading, which a capture can bear, instead of dropping alerts
	Meter   *alert.Meter    // sums for CloudWatch
	Log     *slog.Logger
	// Received returns what was received; nil for a capture, which is read and not received.
	Received func() Received
}

// Received is what a sink has received so far.
type Received struct {
	Packets, Bytes uint64
	Drops          uint64 // datagrams that the kernel dropped
	Spool          uint64 // bytes that wait for AWS now
}

// OpenAlerts opens the outputs of alerts. There may be none. After an error none is open.
func (o *Options) OpenAlerts(to AlertsConfig) (*Alerts, error) {
	a := &Alerts{}
	err := o.openSent(a, to)
	for _, dir := range o.alerts.tables() {
		if err == nil {
			err = o.openTable(a, dir, to)
		}
	}
	if err == nil {
		err = o.openMetrics(a, to)
	}
	if err != nil {
		a.Discard()
		return nil, err
	}
	return a, nil
}

// share is the memory of one output. Tables, which gather rows, have half of it together with nobody else.
func (o *alertOptions) share(to AlertsConfig, outputs int) int {
	if len(o.tables()) > 0 && len(o.sent()) > 0 {
		to.Bytes /= 2
	}
	return to.Bytes / max(1, outputs)
}

// nameOf returns the name of a kind of outputs in metrics, with a number behind it for the second one.
func (a *Alerts) nameOf(kind string) string {
	n := 1
	for _, out := range a.outputs {
		if name, _, _ := strings.Cut(out.Name(), "-"); name == kind {
			n++
		}
	}
	if n > 1 {
		return fmt.Sprint(kind, "-", n)
	}
	return kind
}

func (o *Options) openSent(a *Alerts, to AlertsConfig) error {
	specs := o.alerts.sent()
	for _, spec := range specs {
		q, err := send.Open(to.Context, send.Config{
			Spec: spec, Name: a.nameOf(send.NameOf(spec)), Sink: &message.Sink{Host: hostname()}, Dir: o.spool.folder("alerts", alertFolder(spec)),
			Bytes: o.spool.alertPart(o.alerts.spooled()), Memory: o.alerts.share(to, len(specs)), Block: to.Block, Log: to.Log,
		})
		if err != nil {
			return fmt.Errorf("--alert %s: %w", send.NameOf(spec), err)
		}
		a.outputs = append(a.outputs, q)
	}
	return nil
}

// hostname returns the name of this host, for people.
func hostname() string {
	name, _ := os.Hostname() // "" is a name too
	return name
}

func (o *Options) openMetrics(a *Alerts, to AlertsConfig) error {
	if !o.HasSums() {
		return nil
	}
	client, err := o.client(to.Context)
	if err != nil {
		return err
	}
	a.metrics = client.NewMetrics(aws.MetricsConfig{Namespace: o.alerts.metrics, Log: to.Log, Take: func() []aws.Total { return o.alerts.totals(to) }})
	return nil
}

// alertFolder is the name of an output's folder: its address may be a secret, and longer than names of files.
func alertFolder(spec string) string {
	sum := sha256.Sum256([]byte(spec))
	return send.NameOf(spec) + "-" + hex.EncodeToString(sum[:6])
}

// totals are the counters that CloudWatch gets. None names the sink, so that those of several sinks add up.
func (o *alertOptions) totals(to AlertsConfig) []aws.Total {
	sums := to.Meter.Totals()
	bytes := aws.Total{Name: "NotAllowedBytes", Bytes: true}
	alerts := aws.Total{Name: "Alerts"}
	var all []aws.Total
	for workload, n := range sums.NotAllowed {
		bytes.Sum += n
		if workload != "" {
			all = append(all, aws.Total{Name: bytes.Name, Bytes: true, Sparse: true, Dimension: "Workload", Value: workload, Sum: n})
		}
	}
	for rule, n := range sums.Opened {
		alerts.Sum += n
		all = append(all, aws.Total{Name: alerts.Name, Sparse: true, Dimension: "Rule", Value: rule, Sum: n})
	}
	all = append(all, bytes, alerts)
	if to.Received == nil {
		return all
	}
	r := to.Received()
	for _, t := range []aws.Total{
		{Name: "ReceivedPackets", Sum: r.Packets}, {Name: "ReceivedBytes", Bytes: true, Sum: r.Bytes}, {Name: "ReceiveDrops", Sum: r.Drops},
		{Name: "SpoolBytes", Bytes: true, Gauge: true, Sum: r.Spool},
	} {
		all = append(all, t)
		for _, d := range o.dimensions {
			t.Dimension, t.Value, _ = strings.Cut(d, "=")
			all = append(all, t)
		}
	}
	return all
}

// Alert implements alert.Output.
func (a *Alerts) Alert(x *alert.Alert) {
	for _, out := range a.outputs {
		out.Alert(x)
	}
}

// Restore tells the outputs that repeat open alerts of one that was open when an earlier run ended.
func (a *Alerts) Restore(x *alert.Alert) {
	for _, out := range a.outputs {
		if r, ok := out.(interface{ Restore(*alert.Alert) }); ok {
			r.Restore(x)
		}
	}
}

// AlertCounts has what became of the alerts of an output.
type AlertCounts struct {
	Output string
	send.Counts
}

// Counts returns what became of the alerts, by output.
func (a *Alerts) Counts() (all []AlertCounts) {
	for _, out := range a.outputs {
		all = append(all, AlertCounts{out.Name(), out.Counts()})
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
	for _, out := range a.outputs {
		to, why := out.LastError()
		parts = appendWaiting(parts, out.Counts().Waiting, "alerts", to, why)
	}
	return parts
}

// Discard closes outputs that were never used. What an earlier run has left stays.
func (a *Alerts) Discard() { _ = a.Close(canceled()) }

// Close delivers until ctx ends. No alert may be given after it has begun. The error has what stays for the next start, and the reason.
func (a *Alerts) Close(ctx context.Context) error {
	errs := make([]error, len(a.outputs)+1)
	var wg sync.WaitGroup
	for i, out := range a.outputs {
		wg.Go(func() { errs[i] = out.Close(ctx) })
	}
	if a.metrics != nil {
		wg.Go(func() { errs[len(a.outputs)] = a.metrics.Close(ctx) })
	}
	wg.Wait()
	return errors.Join(errs...)
}
