// Package report answers questions from recorded files: Parquet and lines of flow logs, ours and AWS's own, and EVE lines. It
// reads each file once, from its beginning to its end, in bounded memory; what does not fit goes through a temporary file, so
// answers are exact. It captures nothing, and asks nobody.
package report

import (
	"context"
	"errors"
	"io"
	"math"

	"github.com/mirrorsink/mirrorsink/inspect/flowlog"
)

// Config is what a report is of, and what it may use.
type Config struct {
	Files    []string        // files and folders; - is Stdin
	Stdin    io.Reader       // lines, compressed or not
	Format   *flowlog.Format // of flow log lines without a header; nil is AWS's default
	Where    string          // an expression over Schema; "" is all records
	From, To Moment
	Memory   int64          // bytes for groups, all together
	TempDir  string         // "" is the system's
	Plots    bool           // whether the answer has plots
	Progress func(Progress) // called now and then, from the goroutine of Run; nil: not
}

// Progress is how far the reading is.
type Progress struct {
	Done, Total int64 // bytes of files; Total is 0 if it is not known
	Records     uint64
}

// progressEvery is how many records are read from one call of Progress to the next.
const progressEvery = 1 << 13

// Answer is what Run found.
type Answer struct {
	Report  string // top, management and so on
	Title   string
	Table   *Table
	Plots   *Plots // nil without
	Records uint64 // that were read
	Counted uint64 // of them, those that the report is of
	First   int64  // of the records that it is of, Unix seconds; 0 without any
	Last    int64
}

// Query is a question. It is asked once.
type Query struct {
	name, title string
	q           question
	grouping    *grouping // q, if it is one
	since       []string  // files whose records are the earlier ones
	nat         []string  // files of a NAT gateway's flow logs
}

// Run answers a query. The answer is there if anything could be read, and the error then says what could not, one line each.
// An error of the expression is a *where.Error, and without an answer.
func Run(ctx context.Context, cfg Config, query *Query) (*Answer, error) {
	s := &scan{cfg: cfg, span: span{cfg.From, cfg.To}}
	if cfg.Where != "" {
		f, err := Schema.Compile(cfg.Where)
		if err != nil {
			return nil, err
		}
		s.filter = f
	}
	a := &Answer{Report: query.name, Title: query.title, First: math.MaxInt64, Last: math.MinInt64}
	plots := query.open(limits{int(cfg.Memory), cfg.TempDir}, cfg.Plots)
	defer query.q.close()
	failures := s.answer(ctx, query, a)
	var stop *stopError
	if errors.As(errors.Join(failures...), &stop) {
		return nil, errors.Join(failures...) // sums that lack a part are none
	}
	if ctx.Err() != nil {
		failures = append(failures, errors.New("interrupted: the answer is of what was read so far"))
	}
	table, err := query.q.answer()
	if err != nil {
		return nil, errors.Join(append(failures, err)...)
	}
	if a.Plots, err = plots.answer(); err != nil {
		return nil, errors.Join(append(failures, err)...)
	}
	a.Table, a.Records = table, s.records
	a.Table.Notes = append(a.Table.Notes, s.notes(query, a.Counted)...)
	if a.Counted == 0 {
		a.First, a.Last = 0, 0
	}
	return a, errors.Join(failures...)
}

// open makes the tables of a query, those of plots among them.
func (q *Query) open(l limits, withPlots bool) *plotter {
	p := &plotter{}
	if n, ok := q.q.(*natQuestion); ok {
		n.limit = l.memory
		return p
	}
	if withPlots {
		q.grouping.open(l, p.keys()...)
		p.sheet = q.grouping.sheet
	} else {
		q.grouping.open(l)
	}
	return p
}
