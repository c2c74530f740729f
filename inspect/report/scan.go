package report

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync/atomic"

	"github.com/mirrorsink/mirrorsink/inspect/flowlog"
	"github.com/mirrorsink/mirrorsink/inspect/where"
)

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
			return bad.and(fmt.Errorf("after %d records, which are counted: %w", s.records-before, noEnd(err)))
		}
		s.tick(&r)
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

// tick counts a record that was read.
func (s *scan) tick(r *row) {
	if s.records++; s.records%progressEvery == 0 && s.cfg.Progress != nil {
		s.cfg.Progress(Progress{s.opener.done.Load(), s.total, s.records})
	}
	if r.LogStatus == flowlog.SkipData {
		s.lost++
	}
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

// and is an error of the file, after what is wrong with its lines.
func (b *badLines) and(err error) error {
	if b.n > 0 {
		return fmt.Errorf("%w; %w", b.err(), err)
	}
	return err
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
