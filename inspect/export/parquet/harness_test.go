package parquet_test

import (
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/export"
	"github.com/mirrorsink/mirrorsink/inspect/export/parquet"
	"github.com/mirrorsink/mirrorsink/inspect/flowlog"
)

// config returns a configuration for tests, with changes.
func config(dir string, change ...func(*parquet.Config)) parquet.Config {
	cfg := parquet.Config{
		Dir: dir, Rotate: 5 * time.Minute, MaxBytes: 128 << 20, Memory: 4 << 20, Log: slog.New(slog.DiscardHandler),
	}
	for _, c := range change {
		c(&cfg)
	}
	return cfg
}

// flowTable is the consumer of a FlowWriter, used as a queue uses it. Each event that it consumes has one record.
type flowTable struct {
	export.Consumer
	records       []flowlog.Record // of the events that are being consumed
	written, lost uint64
	err           error // the first one

	mu       sync.Mutex // guards finished: a live writer also finishes files by the clock
	finished []parquet.File
}

func openFlows(t testing.TB, cfg parquet.Config) *flowTable {
	f := &flowTable{}
	cfg.Done = f.done
	w, err := parquet.NewFlowWriter(cfg)
	require.NoError(t, err)
	f.Consumer = w.Consumer(f)(func(written, dropped *[event.Kinds]uint64, err error) {
		f.written += written[event.Interval]
		f.lost += dropped[event.Interval]
		if f.err == nil {
			f.err = err
		}
	})
	return f
}

func (f *flowTable) done(file parquet.File) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.finished = append(f.finished, file)
}

// files returns the files that are finished so far.
func (f *flowTable) files() []parquet.File {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.finished)
}

// Records returns the next record.
func (f *flowTable) Records(*event.Batch, *event.Event) []flowlog.Record {
	first := f.records[:1]
	f.records = f.records[1:]
	return first
}

// Lost is not called in these tests: no queue drops events.
func (f *flowTable) Lost(uint64) { panic("no queue, no loss") }

// write consumes a batch with an event for each record.
func (f *flowTable) write(records []flowlog.Record) {
	b := &event.Batch{Events: make([]event.Event, len(records))}
	for i := range b.Events {
		b.Events[i].Kind = event.Interval
	}
	f.records = records
	f.Consume(b, 0)
}

// close finishes all files, and returns the first error of all.
func (f *flowTable) close() error {
	f.Flush(export.Finish)
	_ = f.Close()
	return f.err
}

// writeFlows writes records into files.
func writeFlows(t testing.TB, cfg parquet.Config, records []flowlog.Record) *flowTable {
	f := openFlows(t, cfg)
	f.write(records)
	require.NoError(t, f.close())
	return f
}
