package main

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/pflag"

	"github.com/mirrorsink/mirrorsink/inspect"
	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/export"
)

// output is where events go: an *export.Queue and what is behind it.
type output interface {
	inspect.Sink
	// Counts returns what became of the events of the kinds that the output takes.
	Counts() event.Counts
	// Err returns the first error so far.
	Err() error
	// Wait makes a full output wait for room from now on instead of dropping.
	Wait()
	// Reopen makes it go on in a new file, for log rotation.
	Reopen()
	// Close writes what is on its way until ctx ends, and returns how many events it gave up then.
	Close(ctx context.Context) (lost uint64, err error)
}

// outputKind is the flags of one kind of output. A new kind is a file with such a type, a field of outputs, and an entry in
// outputs.kinds.
type outputKind interface {
	addTo(f *pflag.FlagSet)
	// check says which values cannot be. It is called before anything is opened.
	check() error
	// count is how many outputs were asked for.
	count() int
	// open opens them. After an error none is open.
	open(to outputConfig) ([]output, error)
}

// outputConfig is what all outputs need to know.
type outputConfig struct {
	ctx    context.Context // of the opening alone
	bytes  int             // how much memory each output may hold
	block  bool            // a full output stops the reading, which a capture can bear, instead of dropping events
	log    *slog.Logger
	record export.RecorderConfig // for outputs of flow log records: each makes a recorder of its own
	window time.Duration         // the aggregation window of these records
	spool  *spool                // for outputs that AWS receives; nil if there is none
}

// outputs is the flags of everything that events are written to.
type outputs struct {
	eve        eveOutputs
	flowlog    flowlogOutputs
	parquet    parquetOutputs
	cloudwatch cloudwatchOutputs
	records    recordOptions // of all outputs of flow log records
	spool      spoolOptions  // of all outputs that AWS receives
}

// kinds is the table of the kinds of outputs. Those of flow log records come after EVE, which has none.
func (o *outputs) kinds() []outputKind {
	o.cloudwatch.format = &o.flowlog.format
	return []outputKind{&o.eve, &o.flowlog, &o.parquet, &o.cloudwatch}
}

func (o *outputs) addTo(f *pflag.FlagSet) {
	for _, k := range o.kinds() {
		k.addTo(f)
	}
	o.records.addTo(f)
	o.spool.addTo(f)
}

// check says which options cannot be. given says which flags were, on the command line or in the configuration.
func (o *outputs) check(given func(flag string) bool) error {
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
	if err := o.spool.check(); err != nil {
		return err
	}
	if err := o.checkPlaces(); err != nil {
		return err
	}
	return o.records.check()
}

// checkPlaces says which place is none, or is given to two outputs: it would have every record twice, or lines of two kinds.
func (o *outputs) checkPlaces() error {
	taken := map[string]string{os.DevNull: ""}
	const file = "a file, unix:PATH or -"
	for _, f := range []struct {
		flag, want string
		specs      []string
	}{{"--eve", file, o.eve.to}, {"--flowlog", file, o.flowlog.to}, {"--parquet", "a folder or s3://BUCKET/PREFIX", o.parquet.to}} {
		for _, spec := range f.specs {
			if spec == "" {
				return usagef("%s \"\": want %s", f.flag, f.want)
			}
			place := filepath.Clean(spec)
			other, twice := taken[place]
			if twice && other != "" {
				return usagef("%s %s: %s writes there already", f.flag, spec, other)
			}
			if !twice {
				taken[place] = f.flag
			}
		}
	}
	return nil
}

// orStdout chooses events on standard output if nothing else is chosen.
func (o *outputs) orStdout() {
	if o.count() == 0 {
		o.eve.to = []string{"-"}
	}
}

// onStdout says whether any output is standard output.
func (o *outputs) onStdout() bool {
	return slices.Contains(o.eve.to, "-") || slices.Contains(o.flowlog.to, "-")
}

func (o *outputs) count() (n int) {
	for _, k := range o.kinds() {
		n += k.count()
	}
	return n
}

// interval is the aggregation window of flow log records, 0 if no output has any.
func (o *outputs) interval() time.Duration {
	if o.count() == o.eve.count()+o.cloudwatch.events() {
		return 0
	}
	return o.records.interval.get()
}

// open opens all outputs, which share memory evenly. After an error none is open.
func (o *outputs) open(to outputConfig) (all []output, err error) {
	to.bytes /= max(1, o.count())
	to.window = o.interval()
	if to.window > 0 {
		if to.record, err = o.records.complete(to.record); err != nil {
			return nil, err
		}
	}
	if n := o.parquet.buckets() + o.cloudwatch.count(); n > 0 {
		if to.spool, err = o.spool.open(to, n); err != nil {
			return nil, err
		}
	}
	for _, k := range o.kinds() {
		some, err := k.open(to)
		all = append(all, some...)
		if err != nil {
			closeOutputs(all)
			return nil, err
		}
	}
	return all, nil
}

// closeOutputs closes outputs that were never used.
func closeOutputs(all []output) {
	for _, out := range all {
		_, _ = out.Close(context.Background()) // nothing is queued yet
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_ = deliverAll(ctx, all) // what an earlier run has left stays
}

// enoughToWait is what a queue of lines holds at most where the reading waits for room. It keeps the writer busy; with more a
// replay is no faster, and events that wait in cold memory take more time.
const enoughToWait = 4 * miB

// openLines opens outputs for lines: see export.OpenOutput for the specs.
func openLines(specs []string, q export.QueueConfig, to outputConfig, encoder func() export.Encoder) (all []output, err error) {
	for _, spec := range specs {
		q.Output, err = export.OpenOutput(spec)
		if err != nil {
			closeOutputs(all)
			return nil, err
		}
		q.Encoder, q.Bytes, q.Block, q.Log = encoder(), to.bytes, to.block, to.log
		if to.block {
			q.Bytes = min(q.Bytes, enoughToWait)
		}
		all = append(all, export.NewQueue(q))
	}
	return all, nil
}

// eveOutputs are the outputs of EVE lines.
type eveOutputs struct{ to []string }

func (o *eveOutputs) addTo(f *pflag.FlagSet) {
	f.StringArrayVar(&o.to, "eve", o.to, "write events as EVE JSON lines to a `file`, to unix:PATH or to - (repeatable; - unless another output is given)")
}

func (o *eveOutputs) check() error { return nil }
func (o *eveOutputs) count() int   { return len(o.to) }

func (o *eveOutputs) open(to outputConfig) ([]output, error) {
	return openLines(o.to, export.QueueConfig{Kinds: export.EVEKinds}, to, func() export.Encoder { return new(export.EVE) })
}
