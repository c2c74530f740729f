package report

import (
	"errors"
	"slices"
)

// aggregator adds up records in several groupings in one pass. It counts each connection once, even if both of its ends were
// recorded.
type aggregator struct {
	groupings []grouping
	dedup     *dedup
	total     sum
	isOther   func(*row) bool // selects the rows to count in sum.other; nil selects none
	keys      []byte          // of the current record, see setKeys
}

// grouping is one way to group records.
type grouping struct {
	key    keyFunc
	groups *groups
	spill  *spill
	counting
}

// keyFunc appends the key of a record. It returns false if the record belongs to no group.
type keyFunc = func(key []byte, r *row) ([]byte, bool)

// counting selects how a grouping counts a connection that was recorded at both ends.
type counting uint8

const (
	perConnection counting = 1 << iota // one of the two records
	perInterface                       // both, each in the group of its own interface
)

// newAggregator makes one grouping for each key. The first one selects the records that count at all, and counts as first
// says; the others count per connection.
func newAggregator(limits limits, first counting, keys ...keyFunc) *aggregator {
	a := &aggregator{dedup: newDedup(limits.memory / 4), total: emptySum}
	for i, key := range keys {
		spill := &spill{dir: limits.temp}
		g := grouping{key, newGroups(limits.memory*3/4/len(keys), spill), spill, perConnection}
		if i == 0 {
			g.counting = first
		}
		a.groupings = append(a.groupings, g)
	}
	return a
}

// add counts a record. Of two duplicates, groupings per connection keep the one of higher rank.
func (a *aggregator) add(r *row) error {
	if !a.setKeys(r) {
		return nil
	}
	n := a.sumOf(r)
	if !a.dedup.isCandidate(r) {
		return a.apply(a.keys, &n, (*sum).add, perConnection|perInterface)
	}
	k := a.dedup.hash(r)
	duplicate := a.dedup.take(k, r)
	switch {
	case duplicate == nil:
		a.dedup.store(k, &counted{
			vantage: vantageOf(r), paired: r.Paired, direction: r.FlowDirection, rank: rank(r), sum: n, keys: slices.Clone(a.keys),
		})
	case duplicate.rank >= rank(r):
		return a.apply(a.keys, &n, (*sum).add, perInterface)
	default:
		if err := a.apply(duplicate.keys, &duplicate.sum, (*sum).subtract, perConnection); err != nil {
			return err
		}
	}
	return a.apply(a.keys, &n, (*sum).add, perConnection|perInterface)
}

func (a *aggregator) sumOf(r *row) sum {
	n := sum{flows: 1, packets: int64(r.Packets), bytes: int64(r.Bytes), first: r.Start, last: r.End}
	if a.isOther != nil && a.isOther(r) {
		n.flows, n.other = 0, 1
	}
	return n
}

// setKeys sets keys to the record's keys in all groupings, each behind its length. It returns false if the first grouping
// has no key.
func (a *aggregator) setKeys(r *row) bool {
	a.keys = a.keys[:0]
	for i := range a.groupings {
		at := len(a.keys)
		key, ok := a.groupings[i].key(append(a.keys, 0, 0, 0), r)
		switch {
		case !ok && i == 0:
			return false
		case !ok:
			a.keys = append(key[:at], noKey, 0, 0)
		default:
			n := len(key) - at - keyHeader
			key[at], key[at+1], key[at+2] = byte(n>>16), byte(n>>8), byte(n)
			a.keys = key
		}
	}
	return true
}

// The keyHeader bytes before a key hold its length, or noKey. appendPart bounds the parts of a key, so that keys are shorter
// than noKey<<16.
const (
	keyHeader = 3
	noKey     = 0xff
)

// apply changes the groups of keys by n, in the groupings that count as mode says. The total counts per connection.
func (a *aggregator) apply(keys []byte, n *sum, change func(s, n *sum), mode counting) error {
	if mode&perConnection != 0 {
		change(&a.total, n)
	}
	for i := range a.groupings {
		if keys[0] == noKey {
			keys = keys[keyHeader:]
			continue
		}
		end := keyHeader + int(keys[0])<<16 + int(keys[1])<<8 + int(keys[2])
		key := keys[keyHeader:end]
		keys = keys[end:]
		if a.groupings[i].counting&mode == 0 {
			continue
		}
		group, err := a.groupings[i].groups.get(key)
		if err != nil {
			return err
		}
		change(group, n)
	}
	return nil
}

// close removes the temporary files.
func (a *aggregator) close() error {
	var all []error
	for i := range a.groupings {
		all = append(all, a.groupings[i].spill.close())
	}
	return errors.Join(all...)
}
