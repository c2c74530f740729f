package report

import (
	"encoding/binary"
	"hash/maphash"

	"github.com/mirrorsink/mirrorsink/inspect/where"
)

// twins finds the records of packets that were seen at both ends, of which one is counted where totals are asked for: the one at the client's end, which
// knows the name that DNS gave; where nobody knows the client, the one at which the packets left. Two records are twins if
// they have addresses, ports and protocol in common, began in the same minute, and are of different interfaces and opposite
// directions. Records that know whether they have a twin (EVE's) are taken at their word.
//
// It remembers a bounded number of records, the latest ones, in two generations of which the older is forgotten.
type twins struct {
	young, old map[twinKey]*counted
	size       int // estimated bytes of young
	limit      int
	seed       maphash.Seed
	found      uint64
	forgotten  uint64 // records that were forgotten before a twin came
	key        []byte
}

// twinKey is a hash: of two different flows one in 2^64 would be taken for twins.
type twinKey uint64

// counted is a record that was counted, and what is needed to undo that.
type counted struct {
	observer  observer
	direction string
	rank      uint8
	sum       sum
	keys      []byte // see sheet.keys
}

// observer is where a record was seen: the interface, or where that is not known its mirror session's VNI.
type observer struct {
	eni string
	vni uint32
}

func observerOf(r *row) observer {
	if r.InterfaceID != "" {
		return observer{eni: r.InterfaceID}
	}
	return observer{vni: r.VNI}
}

// countedCost is what a record takes in memory beside its keys.
const countedCost = 160

func newTwins(limit int) *twins {
	return &twins{young: map[twinKey]*counted{}, old: map[twinKey]*counted{}, limit: limit, seed: maphash.MakeSeed()}
}

// candidate says whether a record may have a twin. One of a public IPv4 address has none: packets do not keep their addresses
// on the way to the internet.
func (*twins) candidate(r *row) bool {
	if r.paired != maybePaired {
		return r.paired == isPaired
	}
	return r.FlowDirection != "" && observerOf(r) != (observer{}) && local(r)
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

// of returns the counted twin of a record; nil if none is known.
func (t *twins) of(k twinKey, r *row) *counted {
	for _, generation := range []map[twinKey]*counted{t.young, t.old} {
		c := generation[k]
		if c != nil && c.direction != r.FlowDirection && c.observer != observerOf(r) {
			delete(generation, k) // a third record is no twin of these
			t.found++
			return c
		}
	}
	return nil
}

// remember keeps a record that was counted.
func (t *twins) remember(k twinKey, c *counted) {
	if t.size > t.limit/2 {
		t.forgotten += uint64(len(t.old))
		t.young, t.old, t.size = map[twinKey]*counted{}, t.young, 0
	}
	t.young[k] = c
	t.size += len(c.keys) + countedCost
}
