package mirror

import "github.com/mirrorsink/mirrorsink/decap"

// addressIndex finds sessions by the addresses of their interfaces.
type addressIndex struct {
	sessions   map[decap.Addr]uint16 // ambiguous if there is more than one
	indexed    int                   // sessions below this number are in it
	generation uint64                // of the inventory
}

const ambiguous = MaxSessions - 1

// ByAddress returns the only session whose interface has an address; 0 if there is none, or more than one.
func (t *Table) ByAddress(a decap.Addr) uint16 {
	x := &t.byAddress
	if x.sessions == nil || x.generation != t.generation {
		*x = addressIndex{map[decap.Addr]uint16{}, 1, t.generation}
	}
	for ; x.indexed < len(t.sessions); x.indexed++ {
		e, n := &t.sessions[x.indexed], uint16(x.indexed)
		x.add(e.Outer, n)
		if e.owner != nil {
			for _, addr := range e.owner.Addrs {
				x.add(addr.As16(), n)
			}
		}
	}
	if n := x.sessions[a]; n != ambiguous {
		return n
	}
	return 0
}

func (x *addressIndex) add(a decap.Addr, n uint16) {
	if other, taken := x.sessions[a]; taken && n != other {
		n = ambiguous
	}
	x.sessions[a] = n
}
