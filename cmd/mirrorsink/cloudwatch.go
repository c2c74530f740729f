package main

import (
	"context"
	"regexp"

	"github.com/spf13/pflag"

	"github.com/mirrorsink/mirrorsink/inspect/export"
	"github.com/mirrorsink/mirrorsink/inspect/export/aws"
)

// cloudwatchOutputs are the outputs of lines to CloudWatch Logs.
type cloudwatchOutputs struct {
	flowlog, eve string // log groups, "" for none
	create       bool
	format       *flowlogFormat // of flow log lines: that of files too
}

func (o *cloudwatchOutputs) addTo(f *pflag.FlagSet) {
	f.StringVar(&o.flowlog, "cloudwatch-flowlog", "", "send VPC Flow Log lines to this log `group` of CloudWatch Logs")
	f.StringVar(&o.eve, "cloudwatch-eve", "", "send events as EVE JSON lines to this log `group` of CloudWatch Logs")
	f.BoolVar(&o.create, "cloudwatch-create", false, "create a log group that is not there")
}

// groupName is what https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateLogGroup.html lets a group
// be called.
var groupName = regexp.MustCompile(`^[.\-_/#A-Za-z0-9]{1,512}$`)

// checkGiven says which group was given without a name, as an empty variable of a shell does.
func (o *cloudwatchOutputs) checkGiven(given func(flag string) bool) error {
	for flag, group := range o.groups() {
		if group == "" && given(flag) {
			return usagef("--%s \"\": want a log group's name", flag)
		}
	}
	return nil
}

// groups are the log groups by flag, "" for none.
func (o *cloudwatchOutputs) groups() map[string]string {
	return map[string]string{"cloudwatch-flowlog": o.flowlog, "cloudwatch-eve": o.eve}
}

func (o *cloudwatchOutputs) check() error {
	for flag, group := range o.groups() {
		if group != "" && !groupName.MatchString(group) {
			return usagef("--%s %q: want a log group's name: letters, digits and . - _ / #", flag, group)
		}
	}
	return nil
}

func (o *cloudwatchOutputs) count() int {
	if o.flowlog != "" {
		return 1 + o.events()
	}
	return o.events()
}

// events is how many of the outputs are not of flow log records.
func (o *cloudwatchOutputs) events() int {
	if o.eve != "" {
		return 1
	}
	return 0
}

func (o *cloudwatchOutputs) open(to outputConfig) (all []output, err error) {
	if o.flowlog != "" {
		to.record.CommunityID = o.format.hasCommunityID()
		encoder := aws.FlowLog{Format: o.format.get(), Recorder: export.NewRecorder(to.record)}
		out, err := o.openGroup("cloudwatch-flowlog", o.flowlog, to, export.QueueConfig{Kinds: export.FlowLogKinds, Encoder: encoder})
		if err != nil {
			return nil, err
		}
		all = append(all, out)
	}
	if o.eve != "" {
		out, err := o.openGroup("cloudwatch-eve", o.eve, to, export.QueueConfig{Kinds: export.EVEKinds, Encoder: aws.EVE{}})
		if err != nil {
			closeOutputs(all)
			return nil, err
		}
		all = append(all, out)
	}
	return all, nil
}

// openGroup opens an output to a log group, whose queue is of the kind that q says. Of its memory an eighth, or 4 MiB, is for the
// lines that are gathered, and three times as much for those that are being sent.
func (o *cloudwatchOutputs) openGroup(purpose, group string, to outputConfig, q export.QueueConfig) (output, error) {
	segment := min(to.bytes/8, 4*miB)
	logs, err := to.spool.client.NewLogs(aws.LogsConfig{
		Group: group, CreateGroup: o.create, Dir: to.spool.folder(purpose, group), Bytes: to.spool.bytes, Segment: segment, Log: to.log,
	})
	if err != nil {
		return nil, err
	}
	q.Output, q.Bytes, q.Block, q.Log = logs.Output(), to.bytes-4*segment, to.block, to.log
	return cloudwatchOutput{export.NewQueue(q), logs}, nil
}

// cloudwatchOutput is a queue whose lines go to a log group.
type cloudwatchOutput struct {
	*export.Queue
	logs *aws.Logs
}

var _ delivery = cloudwatchOutput{}

func (o cloudwatchOutput) Deliver(ctx context.Context) error   { return o.logs.Close(ctx) }
func (o cloudwatchOutput) Delivered() (awsService, aws.Counts) { return toCloudWatch, o.logs.Counts() }
func (o cloudwatchOutput) Trouble() (to string, why error)     { return o.logs.Trouble() }
