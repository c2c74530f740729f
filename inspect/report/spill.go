package report

import (
	"bufio"
	"container/heap"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
)

// spill is a temporary file of runs: groups sorted by key. Its zero value has no file yet.
type spill struct {
	dir  string // "" is the system's
	file *os.File
	runs []int64 // where each ends
}

func (s *spill) used() bool { return len(s.runs) > 0 }

// write appends a run.
func (s *spill) write(sums map[string]*sum) error {
	if s.file == nil {
		f, err := os.CreateTemp(s.dir, "mirrorsink-report-*")
		if err != nil {
			return fmt.Errorf("more groups than --memory holds, and no temporary file: %w", err)
		}
		s.file = f
	}
	w := bufio.NewWriterSize(s.file, 1<<18)
	var b []byte
	end := s.start(len(s.runs))
	for _, key := range slices.Sorted(maps.Keys(sums)) {
		b = appendGroup(b[:0], key, sums[key])
		end += int64(len(b))
		if _, err := w.Write(b); err != nil {
			return s.failed(err)
		}
	}
	if err := w.Flush(); err != nil {
		return s.failed(err)
	}
	s.runs = append(s.runs, end)
	return nil
}

func (s *spill) failed(err error) error {
	return fmt.Errorf("more groups than --memory holds, and the temporary file cannot take them: %w", err)
}

// start is where a run begins.
func (s *spill) start(run int) int64 {
	if run == 0 {
		return 0
	}
	return s.runs[run-1]
}

// close removes the file.
func (s *spill) close() error {
	if s.file == nil {
		return nil
	}
	return errors.Join(s.file.Close(), os.Remove(s.file.Name()))
}

// merge calls f for each key of all runs, in their order, with what the runs have of it together.
func (s *spill) merge(f func(key []byte, s *sum)) error {
	var open runHeap
	for i, end := range s.runs {
		r := &run{in: bufio.NewReaderSize(io.NewSectionReader(s.file, s.start(i), end-s.start(i)), 16<<10)}
		if r.next() {
			open = append(open, r)
		} else if r.err != nil {
			return s.failed(r.err)
		}
	}
	heap.Init(&open)
	var key []byte
	for len(open) > 0 {
		key = append(key[:0], open[0].key...)
		total := nothing
		for len(open) > 0 && string(open[0].key) == string(key) {
			total.add(&open[0].sum)
			if open[0].next() {
				heap.Fix(&open, 0)
			} else if err := heap.Pop(&open).(*run).err; err != nil {
				return s.failed(err)
			}
		}
		f(key, &total)
	}
	return nil
}

func appendGroup(b []byte, key string, s *sum) []byte {
	b = binary.AppendUvarint(b, uint64(len(key)))
	b = append(b, key...)
	for _, n := range [...]int64{s.flows, s.packets, s.bytes, s.other, s.first, s.last} {
		b = binary.AppendVarint(b, n)
	}
	return b
}

// run is a reader of one run.
type run struct {
	in  *bufio.Reader
	key []byte
	sum sum
	err error
}

// next reads a group; false at the end and after an error.
func (r *run) next() bool {
	n, err := binary.ReadUvarint(r.in)
	if err != nil {
		if !errors.Is(err, io.EOF) {
			r.err = err
		}
		return false
	}
	r.key = slices.Grow(r.key[:0], int(n))[:n]
	if _, r.err = io.ReadFull(r.in, r.key); r.err != nil {
		return false
	}
	for _, n := range [...]*int64{&r.sum.flows, &r.sum.packets, &r.sum.bytes, &r.sum.other, &r.sum.first, &r.sum.last} {
		if *n, r.err = binary.ReadVarint(r.in); r.err != nil {
			return false
		}
	}
	return true
}

// runHeap has the run with the smallest key first.
type runHeap []*run

func (h runHeap) Len() int           { return len(h) }
func (h runHeap) Less(i, j int) bool { return string(h[i].key) < string(h[j].key) }
func (h runHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }

// Push and Pop are container/heap's.
func (h *runHeap) Push(r any) { *h = append(*h, r.(*run)) }

// Pop removes the last.
func (h *runHeap) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}
