package main

// outputOptions are the flags that only say how outputs are. Without such an output they would do nothing, which nobody means who
// gives them.
var outputOptions = []struct {
	flags []string
	of    func(o *outputs) bool // says whether there is one
	names string                // of the flags that ask for one
}{
	{[]string{"flowlog-format"}, (*outputs).hasLines, "--flowlog or --cloudwatch-flowlog"},
	{[]string{"flowlog-interval", "tcp-flags", "aws-ip-ranges", "account-id", "region"}, (*outputs).hasRecords, "--flowlog, --parquet or --cloudwatch-flowlog"},
	{[]string{"parquet-schema", "parquet-rotate", "parquet-size"}, (*outputs).hasTables, "--parquet"},
	{[]string{"cloudwatch-create"}, (*outputs).hasGroups, "--cloudwatch-flowlog or --cloudwatch-eve"},
	{[]string{"spool", "spool-size"}, (*outputs).hasSpool, "--parquet s3://BUCKET, --cloudwatch-flowlog or --cloudwatch-eve"},
}

func (o *outputs) hasLines() bool   { return o.flowlog.count() > 0 || o.cloudwatch.flowlog != "" }
func (o *outputs) hasRecords() bool { return o.interval() > 0 }
func (o *outputs) hasTables() bool  { return o.parquet.count() > 0 }
func (o *outputs) hasGroups() bool  { return o.cloudwatch.count() > 0 }
func (o *outputs) hasSpool() bool   { return o.parquet.buckets() > 0 || o.hasGroups() }

// checkUse says which option was given for an output that was not. given says which flags were, on the command line or in the
// configuration.
func (o *outputs) checkUse(given func(flag string) bool) error {
	for _, options := range outputOptions {
		if options.of(o) {
			continue
		}
		for _, flag := range options.flags {
			if given(flag) {
				return usagef("--%s does nothing without %s", flag, options.names)
			}
		}
	}
	return nil
}
