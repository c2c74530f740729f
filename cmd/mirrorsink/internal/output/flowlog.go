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
	rotate rotateOptions
}

func (o *flowlogOptions) addTo(f *pflag.FlagSet) {
	g := flags.In(f, flags.Outputs)
	g.Strings(&o.to, "flowlog", "FILE", "write VPC Flow Log lines to a file, to unix:PATH or to - (repeatable)")
	o.rotate.addTo(g, FlowLogLines)
	flags.In(f, flags.Records).Var(&o.format, "flowlog-format", "FORMAT", "fields of flow log lines: default for AWS's, all, or a list in AWS's syntax, '${srcaddr} ${bytes}'")
}

func (o *flowlogOptions) check() error {
	if err := checkLines("--flowlog", o.to); err != nil {
		return err
	}
	return o.rotate.check()
}

func (o *flowlogOptions) count() int { return len(o.to) }

func (o *flowlogOptions) open(to Config) ([]Output, error) {
	format := o.format.Get()
	to.Record.CommunityID = o.format.HasCommunityID()
	return openLines(o.to, &o.rotate, export.QueueConfig{Kinds: records.Kinds}, to, func() export.Encoder {
		return &records.Encoder{Format: format, Builder: records.NewBuilder(to.Record)}
	})
}
