package output

import (
	"context"
	"regexp"

	"github.com/spf13/pflag"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/flags"
	"github.com/mirrorsink/mirrorsink/inspect/export"
	"github.com/mirrorsink/mirrorsink/inspect/export/aws"
	"github.com/mirrorsink/mirrorsink/inspect/export/eve"
	"github.com/mirrorsink/mirrorsink/inspect/export/records"
	"github.com/mirrorsink/mirrorsink/inspect/export/spool"
)

// cloudwatchOptions are the outputs of lines to CloudWatch Logs.
type cloudwatchOptions struct {
	flowlog, eve string // log groups, "" for none
	create       bool
	format       *flags.FlowLogFormat // of flow log lines: that of files too
}

func (o *cloudwatchOptions) addTo(f *pflag.FlagSet) {
	g := flags.In(f, flags.AWS)
	g.String(&o.flowlog, "cloudwatch-flowlog", "GROUP", "send VPC Flow Log lines to this log group of CloudWatch Logs")
	g.String(&o.eve, "cloudwatch-eve", "GROUP", "send events as EVE JSON lines to this log group of CloudWatch Logs")
	g.Bool(&o.create, "cloudwatch-create", "create a log group that does not exist")
}

// groupName is what https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateLogGroup.html lets a group
// be called.
var groupName = regexp.MustCompile(`^[.\-_/#A-Za-z0-9]{1,512}$`)

// checkGiven reports a log group with an empty name, as an empty shell variable gives.
func (o *cloudwatchOptions) checkGiven(given func(flag string) bool) error {
	for flag, group := range o.groups() {
		if group == "" && given(flag) {
			return flags.Usagef("--%s \"\": want a log group's name", flag)
		}
	}
	return nil
}

// groups are the log groups by flag, "" for none.
func (o *cloudwatchOptions) groups() map[string]string {
	return map[string]string{"cloudwatch-flowlog": o.flowlog, "cloudwatch-eve": o.eve}
}

func (o *cloudwatchOptions) check() error {
	for flag, group := range o.groups() {
		if group != "" && !groupName.MatchString(group) {
			return flags.Usagef("--%s %q: want a log group's name: letters, digits and . - _ / #", flag, group)
		}
	}
	return nil
}

func (o *cloudwatchOptions) count() int {
	if o.flowlog != "" {
		return 1 + o.events()
	}
	return o.events()
}

// events is how many of the outputs are not of flow log records.
func (o *cloudwatchOptions) events() int {
	if o.eve != "" {
		return 1
	}
	return 0
}

func (o *cloudwatchOptions) open(to Config) (all []Output, err error) {
	if o.flowlog != "" {
		to.Record.CommunityID = o.format.HasCommunityID()
		encoder := aws.FlowLog{Format: o.format.Get(), Builder: records.NewBuilder(to.Record)}
		out, err := o.openGroup("cloudwatch-flowlog", o.flowlog, to, export.QueueConfig{Kinds: records.Kinds, Encoder: encoder})
		if err != nil {
			return nil, err
		}
		all = append(all, out)
	}
	if o.eve != "" {
		out, err := o.openGroup("cloudwatch-eve", o.eve, to, export.QueueConfig{Kinds: eve.Kinds, Encoder: new(aws.EVE)})
		if err != nil {
			Close(all)
			return nil, err
		}
		all = append(all, out)
	}
	return all, nil
}

// openGroup opens an output to a log group, whose queue is of the kind that q says. Of its memory an eighth, or 4 MiB, is for the
// lines that are gathered, and three times as much for those that are being sent.
func (o *cloudwatchOptions) openGroup(purpose, group string, to Config, q export.QueueConfig) (Output, error) {
	segment := min(to.Bytes/8, 4*flags.MiB)
	logs, err := to.spool.client.NewLogs(aws.LogsConfig{
		Group: group, CreateGroup: o.create, Dir: to.spool.folder(purpose, group), Bytes: to.spool.bytes, Segment: segment, Log: to.Log,
	})
	if err != nil {
		return nil, err
	}
	q.Output, q.Bytes, q.Block, q.Log = logs.Output(), to.Bytes-4*segment, to.Block, to.Log
	return cloudwatchOutput{export.NewQueue(q), logs}, nil
}

// cloudwatchOutput is a queue whose lines go to a log group.
type cloudwatchOutput struct {
	*export.Queue
	logs *aws.Logs
}

var _ Delivery = cloudwatchOutput{}

func (o cloudwatchOutput) Deliver(ctx context.Context) error { return o.logs.Close(ctx) }

func (o cloudwatchOutput) Delivered() (Service, spool.Counts) { return CloudWatch, o.logs.Counts() }

func (o cloudwatchOutput) Trouble() (to string, why error) { return o.logs.LastError() }
