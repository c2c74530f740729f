package parquet

import "math/bits"

// slots is an open-addressed hash table of a dictionary's entries. A slot holds an entry's number plus one, or 0 if it is free. The
// length is a power of two, and at most half of the slots are in use.
type slots []uint32

const minSlots = 16

// room reports whether there is room for n+1 entries.
func (s slots) room(n int) bool { return 2*(n+1) <= len(s) }

// grown returns a larger table with n entries.
func (s slots) grown(n int, hash func(entry uint32) uint64) slots {
	s = make(slots, max(minSlots, 2*len(s)))
	for e := range uint32(n) {
		at := s.home(hash(e))
		for s[at] != 0 {
			at = s.next(at)
		}
		s[at] = e + 1
	}
	return s
}

// home returns the first slot of a probe: the high bits of the hash, which are the well mixed ones of a product.
func (s slots) home(hash uint64) uint64 { return hash >> (64 - bits.Len(uint(len(s)-1))) }

func (s slots) next(at uint64) uint64 { return (at + 1) & uint64(len(s)-1) }
