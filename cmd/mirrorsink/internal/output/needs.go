package output

import (
	"slices"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/flags"
	"github.com/mirrorsink/mirrorsink/inspect/export"
)

// dependent are flags that only configure an output.
type dependent struct {
	Flags []string
	of    func(o *Options) bool // reports whether there is such an output
	Names string                // of the flags that ask for one
}

// Dependents are the flags that only configure an output. Giving one without that output is refused.
var Dependents = []dependent{
	{[]string{"eve-rotate", "eve-keep"}, func(o *Options) bool { return slices.ContainsFunc(o.EVE.To, export.IsFile) }, "--eve FILE"},
	{[]string{"flowlog-rotate", "flowlog-keep"}, func(o *Options) bool { return slices.ContainsFunc(o.flowlog.to, export.IsFile) }, "--flowlog FILE"},
	{[]string{"flowlog-format"}, (*Options).hasLines, "--flowlog or --cloudwatch-flowlog"},
	{[]string{"flowlog-interval", "tcp-flags"}, (*Options).hasRecords, "--flowlog, --parquet or --cloudwatch-flowlog"},
	{[]string{"account-id", "region"}, (*Options).hasPlaces, "--flowlog, --parquet, --cloudwatch-flowlog or --alert parquet:DIR"},
	{[]string{"aws-ip-ranges"}, (*Options).hasServices, "--flowlog, --parquet, --cloudwatch-flowlog or --policy"},
	{[]string{"parquet-schema"}, (*Options).hasTables, "--parquet"},
	{[]string{"parquet-rotate", "parquet-size"}, (*Options).hasParquet, "--parquet or --alert parquet:DIR"},
	{[]string{"cloudwatch-create"}, (*Options).hasGroups, "--cloudwatch-flowlog or --cloudwatch-eve"},
	{[]string{"spool", "spool-size"}, (*Options).hasSpool, "--parquet s3://BUCKET, --cloudwatch-flowlog, --cloudwatch-eve or --alert"},
	{[]string{"cloudwatch-dimension"}, (*Options).HasSums, "--cloudwatch-metrics"},
	{[]string{"alert"}, func(o *Options) bool { return o.Judged }, "--policy"},
}

func (o *Options) hasLines() bool { return o.flowlog.count() > 0 || o.cloudwatch.flowlog != "" }

func (o *Options) hasRecords() bool { return o.Interval() > 0 }

func (o *Options) hasServices() bool { return o.hasRecords() || o.Judged }

func (o *Options) hasTables() bool { return o.parquet.count() > 0 }

func (o *Options) hasParquet() bool { return o.hasTables() || len(o.alerts.tables()) > 0 }

func (o *Options) hasPlaces() bool { return o.hasRecords() || len(o.alerts.tables()) > 0 }

func (o *Options) hasGroups() bool { return o.cloudwatch.count() > 0 }

func (o *Options) hasSpool() bool {
	return o.parquet.buckets() > 0 || o.hasGroups() || o.alerts.spooled() > 0
}

// checkUse reports an option without its output. given reports which flags were set, on the command line or in the configuration.
func (o *Options) checkUse(given func(flag string) bool) error {
	for _, options := range Dependents {
		if options.of(o) {
			continue
		}
		for _, flag := range options.Flags {
			if given(flag) {
				return flags.Usagef("--%s does nothing without %s", flag, options.Names)
			}
		}
	}
	return nil
}
