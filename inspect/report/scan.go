package report

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync/atomic"

	"github.com/mirrorsink/mirrorsink/inspect/flowlog"
	"github.com/mirrorsink/mirrorsink/inspect/report/input"
	"github.com/mirrorsink/mirrorsink/inspect/where"
)

// scan is one pass over the files of a query.
type scan struct {
	cfg           Config
	span          timeRange
	filter        *where.Filter
	opener        input.Opener
	totalBytes    int64
	records       uint64
	lostWindows   uint64 // windows in which copies were lost
	skippedFiles  uint64 // files in folders that hold no records
	readableFiles uint64
	lacking       map[string]uint64 // files without a field that the query reads, by field
}

// run reads all files of a query. A fatalError ends it.
func (s *scan) run(ctx context.Context, query *Query, a *Answer) (failures []error) {
	s.opener = input.Opener{Stdin: s.cfg.Stdin, Format: s.cfg.Format, Fields: s.fields(query), BytesRead: new(atomic.Int64)}
	gateway, failures := input.List(query.gateway)
	earlier, more := input.List(query.since)
	files, others := input.List(s.cfg.Files)
	failures = slices.Concat(failures, more, others)
	s.totalBytes = totalSize(gateway) + totalSize(earlier) + totalSize(files)
	if s.span.isRelative() {
		last, err := s.lastEnd(ctx, files)
		if err != nil {
			return append(failures, err)
		}
		s.span = s.span.resolve(last)
	}
	if n, ok := query.eval.(*natJoin); ok {
		failures = append(failures, s.readFiles(ctx, gateway, n.addGateway)...)
		n.selectOutside()
	}
	failures = append(failures, s.readFiles(ctx, earlier, func(r *row) error {
		r.earlier = true
		if s.filter != nil && !s.filter.Match(r) {
			return nil
		}
		return query.eval.add(r)
	})...)
	return append(failures, s.readFiles(ctx, files, func(r *row) error {
		if !s.span.overlaps(r) || s.filter != nil && !s.filter.Match(r) {
			return nil
		}
		a.Counted++
		a.First, a.Last = min(a.First, r.Start), max(a.Last, r.End)
		return query.eval.add(r)
	})...)
}

// fields returns the names of the fields to read, each once.
func (s *scan) fields(query *Query) []string {
	all := query.eval.fields()
	if s.filter != nil {
		for _, i := range s.filter.Uses() {
			all = append(all, attributes[i].reads...)
		}
	}
	if s.cfg.Plots {
		all = append(all, plotFields...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// totalSize returns the bytes of files whose size is known.
func totalSize(files []input.File) (total int64) {
	for _, f := range files {
		total += f.Size
	}
	return total
}

// lastEnd returns the end of the last record, from a pass of its own.
func (s *scan) lastEnd(ctx context.Context, files []input.File) (last int64, err error) {
	if slices.ContainsFunc(files, func(f input.File) bool { return f.Name == "-" }) {
		return 0, errors.New("a time relative to the last record needs files, not standard input: give a time")
	}
	pass := &scan{cfg: s.cfg, opener: s.opener, totalBytes: s.totalBytes}
	pass.opener.Fields = []string{"log-status", "end"}
	pass.readFiles(ctx, files, func(r *row) error { // the second pass reports the failures
		last = max(last, r.End)
		return nil
	})
	s.opener.BytesRead.Store(0)
	return last, nil
}

// readFiles calls add for all records of the files that have data. It goes on after a damaged file, but not after an error of
// add.
func (s *scan) readFiles(ctx context.Context, files []input.File, add func(*row) error) (failures []error) {
	for _, f := range files {
		err := s.readFile(ctx, f, add)
		var fatal *fatalError
		switch {
		case errors.As(err, &fatal):
			return append(failures, fatal)
		case errors.Is(err, input.ErrNoRecords) && f.FromFolder:
			s.skippedFiles++
		case err != nil:
			failures = append(failures, fmt.Errorf("%s: %w", f.Name, err))
		}
		if ctx.Err() != nil {
			break
		}
	}
	return failures
}

// readFile reads one file. It skips malformed lines; the error names the first.
func (s *scan) readFile(ctx context.Context, f input.File, add func(*row) error) error {
	in, err := s.opener.Open(f)
	if err != nil {
		return openError(err)
	}
	defer in.Close()
	var (
		r   row
		bad badLines
	)
	for before := s.records; ctx.Err() == nil; {
		var line *flowlog.LineError
		switch err := in.Read(&r.Record); {
		case errors.Is(err, io.EOF):
			return bad.err()
		case errors.As(err, &line):
			bad.add(line)
			continue
		case err != nil:
			return bad.join(fmt.Errorf("after %d records, which are counted: %w", s.records-before, err))
		}
		if s.records == before {
			s.noteFields(in) // the file has records
		}
		s.countRecord(&r)
		if !r.HasData() {
			continue
		}
		r.earlier = false
		if err := add(&r); err != nil {
			return &fatalError{err}
		}
	}
	return bad.err()
}

// essential are the fields that a reader takes for known.
var essential = []string{"srcaddr", "dstaddr", "srcport", "dstport", "protocol", "packets", "bytes", "start", "end"}

// noteFields notes which essential fields a file does not have.
func (s *scan) noteFields(in input.Reader) {
	s.readableFiles++
	for _, name := range s.opener.Fields {
		if !slices.Contains(essential, name) || in.Has(name) {
			continue
		}
		if s.lacking == nil {
			s.lacking = map[string]uint64{}
		}
		s.lacking[name]++
	}
}

// countRecord counts a record that was read, and reports the progress.
func (s *scan) countRecord(r *row) {
	if s.records++; s.records%progressInterval == 0 && s.cfg.Progress != nil {
		s.cfg.Progress(Progress{s.opener.BytesRead.Load(), s.totalBytes, s.records})
	}
	if r.LogStatus == flowlog.SkipData {
		s.lostWindows++
	}
}
