package report

import (
	"encoding/binary"
	"hash/maphash"

	"github.com/mirrorsink/mirrorsink/inspect/where"
)

// dedup finds duplicates: two records of the same packets, one from each end. Groupings per connection count only the record
// of the client's end, which has the name that DNS gave; if the client is not known, the record of the end that sent.
//
// Two records are duplicates if they have the same addresses, ports and protocol, start in the same minute, and come from
// different interfaces in opposite directions. If a record names the interface at its other end, only that interface's record
// is its duplicate. For records that name none the match is a guess: records of AWS, of older files, or of two sinks that each
// saw one end.
//
// dedup keeps a bounded number of recent records, in two generations; it drops the older generation when the younger is full.
type dedup struct {
	young, old generation
	size       int // estimated bytes of young
	limit      int
	seed       maphash.Seed
	found      uint64
	dropped    uint64 // records dropped before a duplicate came
	key        []byte
}

// generation is a set of records that have no duplicate yet.
type generation struct {
	first map[dedupKey]*counted // the latest record of each key
	n     uint64
}

// dedupKey is a hash of the flow and the minute. Two different flows collide with a probability of 2^-64.
type dedupKey uint64

// counted is a record that was counted, with what is needed to subtract it.
type counted struct {
	vantage   vantage
	paired    string // as in the record
	direction string
	rank      uint8
	sum       sum
	keys      []byte   // as in aggregator.keys
	next      *counted // of the same key
}

// countedCost is the memory of a counted record without its keys.
const countedCost = 192

func newDedup(limit int) *dedup {
	return &dedup{young: newGeneration(), old: newGeneration(), limit: limit, seed: maphash.MakeSeed()}
}

func newGeneration() generation { return generation{first: map[dedupKey]*counted{}} }

// isCandidate reports whether a record may have a duplicate. A record of a public IPv4 address that names no other end has
// none, since packets do not keep their addresses on the way to the internet.
func (*dedup) isCandidate(r *row) bool {
	return r.Paired != "" || r.FlowDirection != "" && vantageOf(r) != (vantage{}) && keepsAddresses(r)
}

func keepsAddresses(r *row) bool {
	src, dst := r.src(), r.dst()
	return (src.Is6() || where.Private(src)) && (dst.Is6() || where.Private(dst))
}

// minute is the granularity to which the starts of duplicates are compared, in seconds.
const minute = 60

func (d *dedup) hash(r *row) dedupKey {
	src, dst := r.src().As16(), r.dst().As16()
	b := append(append(d.key[:0], src[:]...), dst[:]...)
	b = binary.BigEndian.AppendUint16(b, r.SrcPort)
	b = binary.BigEndian.AppendUint16(b, r.DstPort)
	b = append(b, r.Protocol)
	b = binary.BigEndian.AppendUint64(b, uint64(r.Start/minute))
	d.key = b
	return dedupKey(maphash.Bytes(d.seed, b))
}

// rank orders the records of one connection: the one of highest rank counts.
func rank(r *row) uint8 {
	switch {
	case r.role() == clientRole:
		return 2
	case r.role() == unknownRole && r.FlowDirection == egress:
		return 1
	default:
		return 0
	}
}

// maxCompared bounds how many records of one key are compared. Pings have no ports, so many may share a key.
const maxCompared = 64

// take removes and returns the duplicate of a record; nil if there is none. It is removed since a third record is no
// duplicate of the two.
func (d *dedup) take(k dedupKey, r *row) *counted {
	for _, g := range []*generation{&d.young, &d.old} {
		if c := g.take(k, r); c != nil {
			d.found++
			return c
		}
	}
	return nil
}

func (g *generation) take(k dedupKey, r *row) *counted {
	var before *counted
	for c, n := g.first[k], 0; c != nil && n < maxCompared; before, c, n = c, c.next, n+1 {
		if !c.isDuplicate(r) {
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

// isDuplicate reports whether two records of one key come from the two ends.
func (c *counted) isDuplicate(r *row) bool {
	v := vantageOf(r)
	return c.direction != r.FlowDirection && !c.vantage.same(v) && v.mayBe(c.paired) && c.vantage.mayBe(r.Paired)
}

// store keeps a record that was counted.
func (d *dedup) store(k dedupKey, c *counted) {
	if d.size > d.limit/2 {
		d.dropped += d.old.n
		d.young, d.old, d.size = newGeneration(), d.young, 0
	}
	c.next = d.young.first[k]
	d.young.first[k] = c
	d.young.n++
	d.size += len(c.keys) + countedCost
}
