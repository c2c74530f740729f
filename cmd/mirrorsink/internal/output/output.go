// Package output opens the outputs that the flags ask for: EVE lines, flow log lines, Parquet files, CloudWatch Logs and S3. Each is a queue
// with an encoder or a table behind it; those are of package export.
package output

import (
	"context"
	"log/slog"
	"time"

	"github.com/spf13/pflag"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/flags"
	"github.com/mirrorsink/mirrorsink/inspect"
	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/export"
	"github.com/mirrorsink/mirrorsink/inspect/export/records"
	"github.com/mirrorsink/mirrorsink/inspect/export/rotate"
)

// Output is where events go: an *export.Queue and what is behind it.
type Output interface {
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

// kind is the flags of one kind of output. A new kind is a file with such a type, a field of outputs, and an entry in
// outputs.kinds.
type kind interface {
	addTo(f *pflag.FlagSet)
	// check reports invalid values. It is called before anything is opened.
	check() error
	// count is how many outputs were asked for.
	count() int
	// open opens them. After an error none is open.
	open(to Config) ([]Output, error)
}

// Config is what all outputs need to know.
type Config struct {
	Context context.Context // of the opening alone
	Bytes   int             // how much memory each output may hold
	Block   bool            // a full output stops the reading, which a capture can bear, instead of dropping events
	Log     *slog.Logger
	Record  records.Config // for outputs of flow log records: each makes a recorder of its own
	window  time.Duration  // the aggregation window of these records
	spool   *spoolPart     // for outputs that AWS receives; nil if there is none
}

// Close closes outputs that were never used.
func Close(all []Output) {
	for _, out := range all {
		_, _ = out.Close(context.Background()) // nothing is queued yet
	}
	_ = DeliverAll(canceled(), all) // what an earlier run has left stays
}

// canceled returns a context that has ended.
func canceled() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

// enoughToWait is what a queue of lines holds at most where the reading waits for room. It keeps the writer busy; with more a
// replay is no faster, and events that wait in cold memory take more time.
const enoughToWait = 4 * flags.MiB

// openLines opens outputs for lines: see export.OpenOutput for the specs.
func openLines(specs []string, files *rotateOptions, q export.QueueConfig, to Config, encoder func() export.Encoder) (all []Output, err error) {
	for _, spec := range specs {
		var file *rotate.File
		q.Output, file, err = files.open(spec, to)
		if err != nil {
			Close(all)
			return nil, err
		}
		q.Encoder, q.Bytes, q.Block, q.Log = encoder(), to.Bytes, to.Block, to.Log
		if to.Block {
			q.Bytes = min(q.Bytes, enoughToWait)
		}
		queue := export.NewQueue(q)
		if file != nil {
			all = append(all, rotatedOutput{queue, files.lines, file})
		} else {
			all = append(all, queue)
		}
	}
	return all, nil
}
