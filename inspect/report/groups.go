package report

import (
	"encoding/binary"
	"maps"
	"math"
	"slices"
)

// sum is what is added up of the rows of a group.
type sum struct {
	flows, packets, bytes int64 // flows are records: one direction in one window
	other                 int64 // rows of a second kind, which a report names
	first, last           int64 // Unix seconds
}

// nothing is a sum of no rows.
var nothing = sum{first: math.MaxInt64, last: math.MinInt64}

func (s *sum) add(o *sum) {
	s.flows += o.flows
	s.packets += o.packets
	s.bytes += o.bytes
	s.other += o.other
	s.first, s.last = min(s.first, o.first), max(s.last, o.last)
}

// take undoes an add, but for the times.
func (s *sum) take(o *sum) {
	s.flows -= o.flows
	s.packets -= o.packets
	s.bytes -= o.bytes
	s.other -= o.other
}

// groups adds up sums by key, exactly, in bounded memory: when its share is used up, what there is goes to a file sorted by
// key, and each merges all of them. Counters with an error bound would need no file; but answers are compared from day to day,
// and an error that moves looks like traffic that moved.
type groups struct {
	sums  map[string]*sum
	used  int // estimated bytes of sums
	limit int
	spill *spill
}

// groupCost is what a group takes in memory beside its key's bytes: the sum, the key's header, and its share of the map.
// Measured: 10^6 keys of 30 bytes take 150 bytes each.
const groupCost = 120

func newGroups(limit int, spill *spill) *groups {
	return &groups{sums: map[string]*sum{}, limit: limit, spill: spill}
}

// of returns the group of a key, valid until the next call.
func (g *groups) of(key []byte) (*sum, error) {
	if t, ok := g.sums[string(key)]; ok {
		return t, nil
	}
	if cost := len(key) + groupCost; g.used+cost > g.limit && len(g.sums) > 0 {
		if err := g.flush(); err != nil {
			return nil, err
		}
	}
	t := new(sum)
	*t = nothing
	g.sums[string(key)] = t
	g.used += len(key) + groupCost
	return t, nil
}

// flush moves what there is to the file.
func (g *groups) flush() error {
	if err := g.spill.write(g.sums); err != nil {
		return err
	}
	clear(g.sums)
	g.used = 0
	return nil
}

// each calls f once a group that has something, in the order of the keys. key and s are valid until it returns.
func (g *groups) each(f func(key []byte, s *sum)) error {
	if !g.spill.used() {
		for _, key := range slices.Sorted(maps.Keys(g.sums)) {
			if s := g.sums[key]; s.flows|s.other != 0 {
				f([]byte(key), s)
			}
		}
		return nil
	}
	if err := g.flush(); err != nil {
		return err
	}
	return g.spill.merge(func(key []byte, s *sum) {
		if s.flows|s.other != 0 {
			f(key, s)
		}
	})
}

// maxPart bounds a part of a key. Names have at most 255 bytes; what is longer came out of a damaged file, and is cut.
const maxPart = 4096

// appendPart appends one part of a key, so that parts of any bytes stay apart.
func appendPart(key []byte, part string) []byte {
	part = part[:min(len(part), maxPart)]
	key = binary.AppendUvarint(key, uint64(len(part)))
	return append(key, part...)
}

// parts returns the parts of a key that appendPart made.
func parts(key []byte) (all []string) {
	for len(key) > 0 {
		n, size := binary.Uvarint(key)
		end := size + int(n)
		all = append(all, string(key[size:end]))
		key = key[end:]
	}
	return all
}
