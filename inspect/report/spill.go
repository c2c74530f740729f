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

// spill is a temporary file of runs: groups sorted by key. It creates the file when the first run is written.
type spill struct {
	dir  string // "" is the system's
	file *os.File
	ends []int64 // the offset of the end of each run
}

func (s *spill) used() bool { return len(s.ends) > 0 }

// write appends a run.
func (s *spill) write(sums map[string]*sum) error {
	if s.file == nil {
		f, err := os.CreateTemp(s.dir, "mirrorsink-report-*")
		if err != nil {
			return fmt.Errorf("the groups exceed --memory, and no temporary file can be created: %w", err)
		}
		s.file = f
	}
	w := bufio.NewWriterSize(s.file, 1<<18)
	var b []byte
	end := s.start(len(s.ends))
	for _, key := range slices.Sorted(maps.Keys(sums)) {
		b = appendGroup(b[:0], key, sums[key])
		end += int64(len(b))
		if _, err := w.Write(b); err != nil {
			return s.fileError(err)
		}
	}
	if err := w.Flush(); err != nil {
		return s.fileError(err)
	}
	s.ends = append(s.ends, end)
	return nil
}

func (s *spill) fileError(err error) error {
	return fmt.Errorf("the groups exceed --memory, and the temporary file failed: %w", err)
}

// start returns the offset of a run.
func (s *spill) start(run int) int64 {
	if run == 0 {
		return 0
	}
	return s.ends[run-1]
}

// close removes the file.
func (s *spill) close() error {
	if s.file == nil {
		return nil
	}
	return errors.Join(s.file.Close(), os.Remove(s.file.Name()))
}

// merge calls f for each key of all runs, in the order of keys, with the sum over the runs.
func (s *spill) merge(f func(key []byte, s *sum)) error {
	var open runHeap
	for i, end := range s.ends {
		r := &run{in: bufio.NewReaderSize(io.NewSectionReader(s.file, s.start(i), end-s.start(i)), 16<<10)}
		if r.next() {
			open = append(open, r)
		} else if r.err != nil {
			return s.fileError(r.err)
		}
	}
	heap.Init(&open)
	var key []byte
	for len(open) > 0 {
		key = append(key[:0], open[0].key...)
		total := emptySum
		for len(open) > 0 && string(open[0].key) == string(key) {
			total.add(&open[0].sum)
			if open[0].next() {
				heap.Fix(&open, 0)
			} else if err := heap.Pop(&open).(*run).err; err != nil {
				return s.fileError(err)
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

// run reads one run.
type run struct {
	in  *bufio.Reader
	key []byte
	sum sum
	err error
}

// next reads a group. It returns false at the end and after an error.
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

// runHeap is a heap of runs by their current keys, for container/heap.
type runHeap []*run

func (h runHeap) Len() int           { return len(h) }
func (h runHeap) Less(i, j int) bool { return string(h[i].key) < string(h[j].key) }
func (h runHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }

// Push implements heap.Interface.
func (h *runHeap) Push(r any) { *h = append(*h, r.(*run)) }

// Pop implements heap.Interface.
func (h *runHeap) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}
