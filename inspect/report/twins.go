package report

import (
	"encoding/binary"
	"hash/maphash"

	"github.com/mirrorsink/mirrorsink/inspect/where"
)

// twins finds the records of packets that were seen at both ends, of which one is counted where totals are asked for: the one at the client's end, which
// knows the name that DNS gave; where nobody knows the client, the one at which the packets left. Two records are twins if
// they have addresses, ports and protocol in common, began in the same minute, and are of different interfaces and opposite
// directions. A record that names the interface at the other end is a twin of that one's only. Of those that name none it is
// a guess: they are AWS's own, or of older files, or of two mirrorsinks that saw an end each.
//
// It remembers a bounded number of records, the latest ones, in two generations of which the older is forgotten.
type twins struct {
	young, old generation
	size       int // estimated bytes of young
	limit      int
	seed       maphash.Seed
	found      uint64
	forgotten  uint64 // records that were forgotten before a twin came
	key        []byte
}

// generation is records that wait for their twins.
type generation struct {
	first map[twinKey]*counted // the latest one of a key, before the others
	n     uint64
}

// twinKey is a hash: of two different flows one in 2^64 would be taken for twins.
type twinKey uint64

// counted is a record that was counted, and what is needed to undo that.
type counted struct {
	observer  observer
	paired    string // as in the record
	direction string
	rank      uint8
	sum       sum
	keys      []byte   // see sheet.keys
	next      *counted // of the same key
}

// countedCost is what a record takes in memory beside its keys.
const countedCost = 192

func newTwins(limit int) *twins {
	return &twins{young: newGeneration(), old: newGeneration(), limit: limit, seed: maphash.MakeSeed()}
}

func newGeneration() generation { return generation{first: map[twinKey]*counted{}} }

// candidate says whether a record may have a twin. If it does not say, one of a public IPv4 address has none: packets do not keep
// their addresses on the way to the internet.
func (*twins) candidate(r *row) bool {
	return r.Paired != "" || r.FlowDirection != "" && observerOf(r) != (observer{}) && local(r)
}

func local(r *row) bool {
	src, dst := r.src(), r.dst()
	return (src.Is6() || where.Private(src)) && (dst.Is6() || where.Private(dst))
}

// minute is the granularity by which the windows of twins are compared.
const minute = 60

func (t *twins) hash(r *row) twinKey {
	src, dst := r.src().As16(), r.dst().As16()
	b := append(append(t.key[:0], src[:]...), dst[:]...)
	b = binary.BigEndian.AppendUint16(b, r.SrcPort)
	b = binary.BigEndian.AppendUint16(b, r.DstPort)
	b = append(b, r.Protocol)
	b = binary.BigEndian.AppendUint64(b, uint64(r.Start/minute))
	t.key = b
	return twinKey(maphash.Bytes(t.seed, b))
}

// rank orders the observations of one record.
func rank(r *row) uint8 {
	switch {
	case r.role() == clientRole:
		return 2
	case r.role() == noRole && r.FlowDirection == egress:
		return 1
	default:
		return 0
	}
}

// maxSame bounds how many records of one key are looked at: pings, which have no ports, may be many.
const maxSame = 64

// of returns the counted twin of a record; nil if none is known.
func (t *twins) of(k twinKey, r *row) *counted {
	for _, g := range []*generation{&t.young, &t.old} {
		if c := g.take(k, r); c != nil {
			t.found++
			return c
		}
	}
	return nil
}

// take takes a record's twin out: a third record is no twin of these.
func (g *generation) take(k twinKey, r *row) *counted {
	var before *counted
	for c, n := g.first[k], 0; c != nil && n < maxSame; before, c, n = c, c.next, n+1 {
		if !c.isTwin(r) {
			continue
		}
		switch {
		case before != nil:
			before.next = c.next
		case c.next != nil:
			g.first[k] = c.next
		default:
			delete(g.first, k)
		}
		g.n--
		return c
	}
	return nil
}

// isTwin says whether the two records, which have a key in common, are of the two ends.
func (c *counted) isTwin(r *row) bool {
	o := observerOf(r)
	return c.direction != r.FlowDirection && !c.observer.same(o) && o.mayBe(c.paired) && c.observer.mayBe(r.Paired)
}

// remember keeps a record that was counted.
func (t *twins) remember(k twinKey, c *counted) {
	if t.size > t.limit/2 {
		t.forgotten += t.old.n
		t.young, t.old, t.size = newGeneration(), t.young, 0
	}
	c.next = t.young.first[k]
	t.young.first[k] = c
	t.young.n++
	t.size += len(c.keys) + countedCost
}
