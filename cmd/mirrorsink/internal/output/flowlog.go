package output

import (
	"github.com/spf13/pflag"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/flags"
	"github.com/mirrorsink/mirrorsink/inspect/export"
	"github.com/mirrorsink/mirrorsink/inspect/export/records"
)

// flowlogOptions are the outputs of flow log lines.
type flowlogOptions struct {
	to     []string
	format flags.FlowLogFormat
}

func (o *flowlogOptions) addTo(f *pflag.FlagSet) {
	f.StringArrayVar(&o.to, "flowlog", nil, "write VPC Flow Log lines to a `file`, to unix:PATH or to - (repeatable)")
	f.Var(&o.format, "flowlog-format", "fields of the lines as AWS has them, '${account-id} ${action}', or default, or all")
}

func (o *flowlogOptions) check() error { return nil }

func (o *flowlogOptions) count() int { return len(o.to) }

func (o *flowlogOptions) open(to Config) ([]Output, error) {
	format := o.format.Get()
	to.Record.CommunityID = o.format.HasCommunityID()
	return openLines(o.to, export.QueueConfig{Kinds: records.Kinds}, to, func() export.Encoder {
		return &records.Encoder{Format: format, Builder: records.NewBuilder(to.Record)}
	})
}
