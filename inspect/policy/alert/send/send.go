// Package send takes alerts to those who act on them: SNS, webhooks, Slack, Alertmanager, EventBridge, Security Hub, a program. Each output
// has a bounded spool on the disk, from which an alert is sent until its receiver has it. A new output is a file and a line of the table.
package send

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/mirrorsink/mirrorsink/inspect/export/spool"
	"github.com/mirrorsink/mirrorsink/inspect/policy/alert/message"
)

// kind is a kind of outputs.
type kind struct {
	name   string
	want   string // how it is given, for messages
	open   func(ctx context.Context, spec string, sink *message.Sink) (r receiver, to string, err error)
	batch  int           // alerts that one call takes
	strict bool          // each alert waits for those before it, since a late one would be taken for the state
	every  time.Duration // the least time between two calls
}

// kinds is the table of outputs.
var kinds = []kind{
	{name: "sns", want: "sns:ARN", open: openTopic, batch: 1, every: 100 * time.Millisecond}, // mail: ten a second
	{name: "webhook", want: "webhook:URL", open: openWebhook, batch: 1},
	{name: "slack", want: "slack:URL", open: openSlack, batch: 1, every: time.Second}, // https://docs.slack.dev/apis/web-api/rate-limits/
	{name: "alertmanager", want: "alertmanager:URL", open: openManager, batch: managerBatch, strict: true},
	{name: "eventbridge", want: "eventbridge:BUS", open: openBus, batch: busBatch, strict: true},
	{name: "securityhub", want: "securityhub", open: openHub, batch: hubBatch, strict: true, every: 100 * time.Millisecond},
	{name: "exec", want: "exec:PROGRAM", open: openProgram, batch: 1},
}

// Kinds returns how outputs are given.
func Kinds() (wants []string) {
	for _, k := range kinds {
		wants = append(wants, k.want)
	}
	return wants
}

// find returns the kind of an output, and its address.
func find(text string) (k *kind, spec string, ok bool) {
	name, spec, hasSpec := strings.Cut(text, ":")
	for i := range kinds {
		k = &kinds[i]
		if k.name == name && hasSpec == strings.Contains(k.want, ":") && hasSpec == (spec != "") {
			return k, spec, true
		}
	}
	return nil, "", false
}

// Known reports whether a text has the form of an output.
func Known(text string) bool {
	_, _, ok := find(text)
	return ok
}

// NameOf returns the name of the kind of an output.
func NameOf(text string) string {
	name, _, _ := strings.Cut(text, ":")
	return name
}

// Config configures an output.
type Config struct {
	Spec    string // kind and address, such as sns:ARN
	Name    string // in metrics
	Sink    *message.Sink
	Dir     string // the spool: a folder for this output only
	Bytes   int64  // bound of the spool
	Memory  int    // bound of the alerts that wait for the disk
	Block   bool   // wait for room there instead of dropping: for captures, which can wait
	Backoff spool.Backoff
	Log     *slog.Logger // slog's default if nil
}

// Open opens an output, and begins to send what an earlier process left in its spool. ctx is that of the opening alone.
func Open(ctx context.Context, cfg Config) (*Queue, error) {
	k, spec, ok := find(cfg.Spec)
	if !ok {
		return nil, fmt.Errorf("want %s", strings.Join(Kinds(), ", "))
	}
	r, to, err := k.open(ctx, spec, cfg.Sink)
	if err != nil {
		return nil, err
	}
	return openQueue(queueConfig{
		receiver: r, name: cfg.Name, to: to, dir: cfg.Dir, bytes: cfg.Bytes, memory: cfg.Memory, batch: k.batch, strict: k.strict,
		every: k.every, block: cfg.Block, backoff: cfg.Backoff, log: cfg.Log,
	})
}
