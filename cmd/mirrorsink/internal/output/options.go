package output

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/pflag"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/flags"
	"github.com/mirrorsink/mirrorsink/inspect/export/aws"
	"github.com/mirrorsink/mirrorsink/inspect/flowlog"
)

// Options is the flags of everything that events are written to.
type Options struct {
	EVE        eveOptions
	flowlog    flowlogOptions
	parquet    parquetOptions
	cloudwatch cloudwatchOptions
	alerts     alertOptions
	records    recordOptions // of all outputs of flow log records
	spool      spoolOptions  // of all outputs that AWS receives
	Judged     bool          // flows are judged by a policy
	aws        *aws.Client   // of all outputs that AWS receives; nil until one is opened
}

// client returns the client for AWS. The first call finds region and credentials.
func (o *Options) client(ctx context.Context) (_ *aws.Client, err error) {
	if o.aws == nil {
		o.aws, err = aws.Open(ctx, aws.Config{})
	}
	return o.aws, err
}

// kinds is the table of the kinds of outputs. Those of flow log records come after EVE, which has none.
func (o *Options) kinds() []kind {
	o.cloudwatch.format = &o.flowlog.format
	return []kind{&o.EVE, &o.flowlog, &o.parquet, &o.cloudwatch}
}

func (o *Options) AddTo(f *pflag.FlagSet) {
	for _, k := range o.kinds() {
		k.addTo(f)
	}
	o.alerts.addTo(f)
	o.records.addTo(f)
	o.spool.addTo(f)
}

// Check reports options that are invalid, alone or together. given reports which flags were set, on the command line or in the
// configuration.
func (o *Options) Check(given func(flag string) bool) error {
	if err := o.cloudwatch.checkGiven(given); err != nil {
		return err
	}
	if err := o.checkUse(given); err != nil {
		return err
	}
	for _, k := range o.kinds() {
		if err := k.check(); err != nil {
			return err
		}
	}
	if err := o.alerts.check(); err != nil {
		return err
	}
	if err := o.spool.check(); err != nil {
		return err
	}
	if err := o.checkPlaces(); err != nil {
		return err
	}
	return o.records.check()
}

// checkPlaces reports an empty place, and one given to two outputs: it would have every record twice, or lines of two kinds.
func (o *Options) checkPlaces() error {
	taken := map[string]string{os.DevNull: ""}
	const file = "a file, unix:PATH or -"
	for _, f := range []struct {
		flag, want string
		specs      []string
	}{{"--eve", file, o.EVE.To}, {"--flowlog", file, o.flowlog.to}, {"--parquet", "a folder or s3://BUCKET/PREFIX", o.parquet.to}} {
		for _, spec := range f.specs {
			if spec == "" {
				return flags.Usagef("%s \"\": want %s", f.flag, f.want)
			}
			place := filepath.Clean(spec)
			other, twice := taken[place]
			if twice && other != "" {
				return flags.Usagef("%s %s: %s writes there already", f.flag, spec, other)
			}
			if !twice {
				taken[place] = f.flag
			}
		}
	}
	return nil
}

// OrStdout chooses events on standard output if nothing else is chosen, for events or alerts.
func (o *Options) OrStdout() {
	if o.Count() == 0 && len(o.alerts.sent())+len(o.alerts.tables()) == 0 {
		o.EVE.To = []string{"-"}
	}
}

// OnStdout reports whether an output is standard output.
func (o *Options) OnStdout() bool {
	return slices.Contains(o.EVE.To, "-") || slices.Contains(o.flowlog.to, "-")
}

func (o *Options) Count() (n int) {
	for _, k := range o.kinds() {
		n += k.count()
	}
	return n
}

// Services reads AWS's address ranges; nil if they are not given.
func (o *Options) Services() (*flowlog.Services, error) { return o.records.services() }

// Interval is the aggregation window of flow log records, 0 if no output has any.
func (o *Options) Interval() time.Duration {
	if o.Count() == o.EVE.count()+o.cloudwatch.events() {
		return 0
	}
	return o.records.interval.get()
}

// Open opens all outputs, which share memory evenly. After an error none is open.
func (o *Options) Open(to Config) (all []Output, err error) {
	to.Bytes /= max(1, o.Count())
	to.window = o.Interval()
	if to.window > 0 {
		if to.Record, err = o.records.complete(to.Record); err != nil {
			return nil, err
		}
	}
	if n := o.parquet.buckets() + o.cloudwatch.count(); n > 0 {
		client, err := o.client(to.Context)
		if err != nil {
			return nil, err
		}
		to.spool = o.spool.part(client, n, o.alerts.spooled() > 0)
	}
	for _, k := range o.kinds() {
		some, err := k.open(to)
		all = append(all, some...)
		if err != nil {
			Close(all)
			return nil, err
		}
	}
	return all, nil
}
