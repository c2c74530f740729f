// Package report answers questions from recorded files: Parquet and lines of flow logs, ours and AWS's own, and EVE lines. It
// reads each file once, from its beginning to its end, in bounded memory; what does not fit goes through a temporary file, so
// answers are exact. It captures nothing, and asks nobody.
package report

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"sync/atomic"

	"github.com/mirrorsink/mirrorsink/inspect/flowlog"
	"github.com/mirrorsink/mirrorsink/inspect/where"
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

// scan is one reading of files.
type scan struct {
	cfg     Config
	span    span
	filter  *where.Filter
	opener  opener
	records uint64
	total   int64
	lost    uint64 // windows in which copies were lost
	stray   uint64 // files in folders that have no records
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

// answer reads all files. What goes wrong with the temporary file ends it.
func (s *scan) answer(ctx context.Context, query *Query, a *Answer) (failures []error) {
	s.opener = opener{stdin: s.cfg.Stdin, format: s.cfg.Format, needs: s.needs(query), done: new(atomic.Int64)}
	nat, failures := list(query.nat)
	earlier, more := list(query.since)
	inputs, others := list(s.cfg.Files)
	failures = slices.Concat(failures, more, others)
	s.total = sizes(nat) + sizes(earlier) + sizes(inputs)
	if s.span.relative() {
		last, err := s.last(ctx, inputs)
		if err != nil {
			return append(failures, err)
		}
		s.span = s.span.fix(last)
	}
	if n, ok := query.q.(*natQuestion); ok {
		failures = append(failures, s.read(ctx, nat, n.gateway)...)
		n.gatewayDone()
	}
	failures = append(failures, s.read(ctx, earlier, func(r *row) error {
		r.earlier = true
		if s.filter != nil && !s.filter.Match(r) {
			return nil
		}
		return query.q.add(r)
	})...)
	return append(failures, s.read(ctx, inputs, func(r *row) error {
		if !s.span.has(r) || s.filter != nil && !s.filter.Match(r) {
			return nil
		}
		a.Counted++
		a.First, a.Last = min(a.First, r.Start), max(a.Last, r.End)
		return query.q.add(r)
	})...)
}

// needs are the fields that are read, each once.
func (s *scan) needs(query *Query) []string {
	all := query.q.needs()
	if s.filter != nil {
		for _, i := range s.filter.Uses() {
			all = append(all, attributes[i].needs...)
		}
	}
	if s.cfg.Plots {
		all = append(all, plotReads...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// sizes is how many bytes there are to read; 0 if that is not known.
func sizes(inputs []input) (total int64) {
	for _, in := range inputs {
		total += in.size
	}
	return total
}

// last returns when the last record ended. It is a reading of its own.
func (s *scan) last(ctx context.Context, inputs []input) (last int64, err error) {
	if slices.ContainsFunc(inputs, func(in input) bool { return in.name == "-" }) {
		return 0, errors.New("how long before the last record a time is can be told of files only, not of standard input: give a time")
	}
	first := &scan{cfg: s.cfg, opener: s.opener, total: s.total}
	first.opener.needs = []string{"log-status", "end"}
	first.read(ctx, inputs, func(r *row) error { // what goes wrong with files is said when they are read again
		last = max(last, r.End)
		return nil
	})
	s.opener.done.Store(0)
	return last, nil
}

// read hands all records of the files that are of packets to add. It goes on after a file that is damaged, but not after an
// error of add.
func (s *scan) read(ctx context.Context, inputs []input, add func(*row) error) (failures []error) {
	for _, in := range inputs {
		err := s.file(ctx, in, add)
		var stop *stopError
		switch {
		case errors.As(err, &stop):
			return append(failures, stop)
		case errors.Is(err, errForeign) && in.listed:
			s.stray++
		case err != nil:
			failures = append(failures, fmt.Errorf("%s: %w", in.name, err))
		}
		if ctx.Err() != nil {
			break
		}
	}
	return failures
}

// stopError is an error of add.
type stopError struct{ err error }

func (e *stopError) Error() string { return e.err.Error() }

// file reads one file. Lines that are none are passed over; the error says which the first was.
func (s *scan) file(ctx context.Context, in input, add func(*row) error) error {
	rd, err := s.opener.open(in)
	if err != nil {
		return noRecords(err)
	}
	defer rd.close()
	var (
		r   row
		bad badLines
	)
	for before := s.records; ctx.Err() == nil; {
		var line *flowlog.LineError
		switch err := rd.read(&r); {
		case errors.Is(err, io.EOF):
			return bad.err()
		case errors.As(err, &line):
			bad.add(line)
			continue
		case err != nil:
			return errors.Join(bad.err(), fmt.Errorf("after %d records, which are counted: %w", s.records-before, noEnd(err)))
		}
		if s.records++; s.records%progressEvery == 0 && s.cfg.Progress != nil {
			s.cfg.Progress(Progress{s.opener.done.Load(), s.total, s.records})
		}
		if r.LogStatus == flowlog.SkipData {
			s.lost++
		}
		if !r.HasData() {
			continue
		}
		r.earlier = false
		if err := add(&r); err != nil {
			return &stopError{err}
		}
	}
	return bad.err()
}

// noRecords is the error of a file whose first line is none of a flow log.
func noRecords(err error) error {
	var line *flowlog.LineError
	if errors.As(err, &line) {
		return fmt.Errorf("%w; if they are flow log lines without a header, say their format", errForeign)
	}
	return err
}

// badLines are those of a file that are no records.
type badLines struct {
	first *flowlog.LineError
	n     int
}

func (b *badLines) add(line *flowlog.LineError) {
	if b.n++; b.n == 1 {
		b.first = line
	}
}

func (b *badLines) err() error {
	switch b.n {
	case 0:
		return nil
	case 1:
		return fmt.Errorf("%w; the other lines are counted", b.first)
	default:
		return fmt.Errorf("%w; and so on, %d lines in all; the others are counted", b.first, b.n)
	}
}

// notes are what a reader has to know of the records.
func (s *scan) notes(query *Query, counted uint64) (notes []string) {
	switch {
	case s.records == 0:
		notes = append(notes, "no records were found")
	case counted == 0:
		notes = append(notes, "none of "+many(s.records, "record")+" is of that time and expression")
	}
	if s.lost > 0 {
		notes = append(notes, many(s.lost, "window")+" lost copies (SKIPDATA): the traffic of that time is not all here")
	}
	if s.stray > 0 {
		notes = append(notes, many(s.stray, "file")+" in the folders without records of flows: passed over")
	}
	if query.grouping == nil {
		return notes
	}
	if t := query.grouping.twins; t.found > 0 {
		notes = append(notes, many(t.found, "record")+" seen at both ends: counted once")
		if t.forgotten > 0 {
			notes = append(notes, many(t.forgotten, "other record")+" may be seen at both ends and counted twice: --memory holds too few to compare them")
		}
	}
	return notes
}

// many is a number of things.
func many(n uint64, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
