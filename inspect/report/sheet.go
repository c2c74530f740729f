package report

import (
	"errors"
	"slices"
)

// A question is what a report asks of each record.
type question interface {
	// needs returns the names of the fields that are read.
	needs() []string
	// add takes a record. It must not keep it.
	add(r *row) error
	// answer is called once, after all records.
	answer() (*Table, error)
	close() error
}

// tally is one way to group records.
type tally struct {
	key    keyFunc // appends the key's parts; false: the record is of no group
	groups *groups
	spill  *spill
	counting
}

// counting says what a tally counts of a connection that was seen at both ends.
type counting uint8

const (
	once counting = 1 << iota // one of the two records
	each                      // both, each in the group of its interface
)

type keyFunc = func(key []byte, r *row) ([]byte, bool)

// sheet counts records in several tallies at once, each pair of observations once. It is a question for whoever fills in the
// tables.
type sheet struct {
	tallies []tally
	twins   *twins
	total   sum
	second  func(*row) bool // rows that are counted as other; nil: none
	keys    []byte
}

// newSheet makes a sheet of the keys. The first one decides which records count at all, and counts as it says; the others
// count once.
func newSheet(limits limits, first counting, keys ...keyFunc) *sheet {
	s := &sheet{twins: newTwins(limits.memory / 4), total: nothing}
	for i, key := range keys {
		spill := &spill{dir: limits.temp}
		t := tally{key, newGroups(limits.memory*3/4/len(keys), spill), spill, once}
		if i == 0 {
			t.counting = first
		}
		s.tallies = append(s.tallies, t)
	}
	return s
}

// limits are what a report may use.
type limits struct {
	memory int    // bytes
	temp   string // folder of temporary files
}

// add counts a record. Of twins only the one that stands before the other counts, but for tallies by interface.
func (s *sheet) add(r *row) error {
	if !s.setKeys(r) {
		return nil
	}
	n := s.sumOf(r)
	if !s.twins.candidate(r) {
		return s.count(s.keys, &n, (*sum).add, once|each)
	}
	k := s.twins.hash(r)
	before := s.twins.of(k, r)
	switch {
	case before == nil:
		s.twins.remember(k, &counted{
			observer: observerOf(r), paired: r.Paired, direction: r.FlowDirection, rank: rank(r), sum: n, keys: slices.Clone(s.keys),
		})
	case before.rank >= rank(r):
		return s.count(s.keys, &n, (*sum).add, each)
	default:
		if err := s.count(before.keys, &before.sum, (*sum).take, once); err != nil {
			return err
		}
	}
	return s.count(s.keys, &n, (*sum).add, once|each)
}

func (s *sheet) sumOf(r *row) sum {
	n := sum{flows: 1, packets: int64(r.Packets), bytes: int64(r.Bytes), first: r.Start, last: r.End}
	if s.second != nil && s.second(r) {
		n.flows, n.other = 0, 1
	}
	return n
}

// setKeys sets keys to those of all tallies, each with its length before it; false if the first has none.
func (s *sheet) setKeys(r *row) bool {
	s.keys = s.keys[:0]
	for i := range s.tallies {
		at := len(s.keys)
		key, ok := s.tallies[i].key(append(s.keys, 0, 0, 0), r)
		switch {
		case !ok && i == 0:
			return false
		case !ok:
			s.keys = append(key[:at], noKey, 0, 0)
		default:
			n := len(key) - at - keyHeader
			key[at], key[at+1], key[at+2] = byte(n>>16), byte(n>>8), byte(n)
			s.keys = key
		}
	}
	return true
}

// keyHeader is the bytes before a key: its length, or noKey. A key has few parts, which appendPart bounds.
const (
	keyHeader = 3
	noKey     = 0xff
)

// count changes by n, with change, the groups of keys in those tallies that count so, and the total, which counts once.
func (s *sheet) count(keys []byte, n *sum, change func(s, n *sum), tallies counting) error {
	if tallies&once != 0 {
		change(&s.total, n)
	}
	for i := range s.tallies {
		if keys[0] == noKey {
			keys = keys[keyHeader:]
			continue
		}
		end := keyHeader + int(keys[0])<<16 + int(keys[1])<<8 + int(keys[2])
		key := keys[keyHeader:end]
		keys = keys[end:]
		if s.tallies[i].counting&tallies == 0 {
			continue
		}
		group, err := s.tallies[i].groups.of(key)
		if err != nil {
			return err
		}
		change(group, n)
	}
	return nil
}

// close removes the temporary files.
func (s *sheet) close() error {
	var all []error
	for i := range s.tallies {
		all = append(all, s.tallies[i].spill.close())
	}
	return errors.Join(all...)
}
