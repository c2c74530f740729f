package report

import (
	"encoding/binary"
	"maps"
	"slices"
)

// groups adds up sums by key, exactly and in bounded memory. When the bound is reached it spills all groups to a file, sorted
// by key; each merges them. Approximate counters would need no file, but an error that differs from day to day looks like
// a change of traffic.
type groups struct {
	sums  map[string]*sum
	used  int // estimated bytes of sums
	limit int
	spill *spill
}

// groupCost is the memory of a group without the bytes of its key: the sum, the key's header, and its share of the map.
// Measured: 10^6 keys of 30 bytes take 150 bytes each.
const groupCost = 120

func newGroups(limit int, spill *spill) *groups {
	return &groups{sums: map[string]*sum{}, limit: limit, spill: spill}
}

// get returns the sum of a key, valid until the next call.
func (g *groups) get(key []byte) (*sum, error) {
	if s, ok := g.sums[string(key)]; ok {
		return s, nil
	}
	cost := len(key) + groupCost
	if g.used+cost > g.limit && len(g.sums) > 0 {
		if err := g.flush(); err != nil {
			return nil, err
		}
	}
	s := new(sum)
	*s = emptySum
	g.sums[string(key)] = s
	g.used += cost
	return s, nil
}

// flush moves all groups to the file.
func (g *groups) flush() error {
	if err := g.spill.write(g.sums); err != nil {
		return err
	}
	clear(g.sums)
	g.used = 0
	return nil
}

// each calls f once for each group that is not empty, in the order of keys. key and s are valid until f returns.
func (g *groups) each(f func(key []byte, s *sum)) error {
	if !g.spill.used() {
		var bytes []byte
		for _, key := range slices.Sorted(maps.Keys(g.sums)) {
			if s := g.sums[key]; s.flows|s.other != 0 {
				bytes = append(bytes[:0], key...)
				f(bytes, s)
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

// maxPart bounds a part of a key. Names have at most 255 bytes; a longer text comes from a damaged file and is cut.
const maxPart = 4096

// appendPart appends one part of a key, behind its length.
func appendPart(key []byte, part string) []byte {
	part = part[:min(len(part), maxPart)]
	key = binary.AppendUvarint(key, uint64(len(part)))
	return append(key, part...)
}

// splitKey returns the parts of a key. They share one copy of it.
func splitKey(key []byte) (parts []string) {
	text := string(key)
	for at := 0; at < len(key); {
		n, size := binary.Uvarint(key[at:])
		end := at + size + int(n)
		parts = append(parts, text[at+size:end])
		at = end
	}
	return parts
}
