// Package report answers queries over recorded flows: Parquet and flow log lines, of this program and of AWS, and EVE lines.
// It reads each file once and needs neither a database nor a network. Answers are exact: groups that exceed the memory bound
// are spilled to a temporary file and merged.
package report

import (
	"context"
	"errors"
	"io"
	"math"

	"github.com/mirrorsink/mirrorsink/inspect/flowlog"
)

// Config selects the records of a report and bounds its resources.
type Config struct {
	Files    []string        // files and folders; - is Stdin
	Stdin    io.Reader       // lines, compressed or not
	Format   *flowlog.Format // of flow log lines without a header; nil is AWS's default
	Where    string          // a filter expression over Schema; "" selects all records
	From, To TimeBound
	Memory   int64          // bytes for all groups together
	TempDir  string         // "" is the system's
	Plots    bool           // collect the data of the plots too
	Progress func(Progress) // called from the goroutine of Run every few thousand records; may be nil
}

// Progress is the state of a running report.
type Progress struct {
	Done, Total int64 // bytes of files; Total is 0 if it is not known
	Records     uint64
}

// progressInterval is the number of records between two calls of Config.Progress.
const progressInterval = 1 << 13

// Answer is the result of a query.
type Answer struct {
	Report  string // the query's name: top, management and so on
	Title   string
	Table   *Table
	Plots   *Plots // nil unless Config.Plots is set and the query has plots
	Records uint64 // records read
	Counted uint64 // records that match the time range and the filter
	First   int64  // first start of the counted records, Unix seconds; 0 if none were counted
	Last    int64  // last end
}

// Run evaluates a query. If some files could not be read, it returns both the answer over the rest and an error with one line
// for each failure. For a malformed Config.Where it returns no answer and a *where.Error.
func Run(ctx context.Context, cfg Config, query *Query) (*Answer, error) {
	s := &scan{cfg: cfg, span: timeRange{cfg.From, cfg.To}}
	if cfg.Where != "" {
		f, err := Schema.Compile(cfg.Where)
		if err != nil {
			return nil, err
		}
		s.filter = f
	}
	a := &Answer{Report: query.name, Title: query.title, First: math.MaxInt64, Last: math.MinInt64}
	plots := query.open(limits{int(cfg.Memory), cfg.TempDir}, cfg.Plots)
	defer query.eval.close()
	failures := s.run(ctx, query, a)
	var fatal *fatalError
	if errors.As(errors.Join(failures...), &fatal) {
		return nil, errors.Join(failures...) // sums that lack records are wrong
	}
	if ctx.Err() != nil {
		failures = append(failures, errors.New("interrupted: the answer covers the records read so far"))
	}
	table, err := query.eval.table()
	if err != nil {
		return nil, errors.Join(append(failures, err)...)
	}
	if a.Plots, err = plots.result(); err != nil {
		return nil, errors.Join(append(failures, err)...)
	}
	a.Table, a.Records = table, s.records
	a.Table.Notes = append(a.Table.Notes, s.notes(query, a.Counted)...)
	if a.Counted == 0 {
		a.First, a.Last = 0, 0
	}
	return a, errors.Join(failures...)
}
