package export

import (
	"encoding/binary"
	"hash/maphash"
	"math/bits"
	"math/rand/v2"
	"net/netip"
	"strconv"
	"strings"
	"unicode/utf8"
)

// slots is an open-addressed hash table of a dictionary's entries: entry number plus one, 0 for a free place. Its length is a
// power of two, and it is never more than half full.
type slots []uint32

const minSlots = 16

// room says whether there is room for one more than n entries.
func (s slots) room(n int) bool { return 2*(n+1) <= len(s) }

// grown returns a larger table, with n entries in it.
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

// home is where an entry is looked for first: the hash's high bits, which are the good ones of a product.
func (s slots) home(hash uint64) uint64 { return hash >> (64 - bits.Len(uint(len(s)-1))) }

func (s slots) next(at uint64) uint64 { return (at + 1) & uint64(len(s)-1) }

// numberDict numbers the values of a column of numbers, in the order in which they first appear. Doubles are numbered by
// their bits.
type numberDict struct {
	values []int64
	slots  slots
	factor uint64 // odd, and nobody else's, so that nobody can choose values that collide
}

func (d *numberDict) hash(n int64) uint64 { return uint64(n) * d.factor }

// code returns the number of n's entry, plus one.
func (d *numberDict) code(n int64) uint32 {
	if d.factor == 0 {
		d.factor = rand.Uint64() | 1
	}
	if !d.slots.room(len(d.values)) {
		d.slots = d.slots.grown(len(d.values), func(e uint32) uint64 { return d.hash(d.values[e]) })
	}
	at := d.slots.home(d.hash(n))
	for ; d.slots[at] != 0; at = d.slots.next(at) {
		if d.values[d.slots[at]-1] == n {
			return d.slots[at]
		}
	}
	d.values = append(d.values, n)
	d.slots[at] = uint32(len(d.values))
	return d.slots[at]
}

func (d *numberDict) footprint() int { return 8*cap(d.values) + 4*cap(d.slots) }

func (d *numberDict) reset() {
	d.values = d.values[:0]
	clear(d.slots)
}

// textDict numbers the values of a column of text, in the order in which they first appear. What is not valid UTF-8 is kept
// as the EVE writer shows it, since readers of Parquet refuse it. Addresses are numbered before they are written out.
type textDict struct {
	bytes  []byte   // the texts, one behind the other
	ends   []uint32 // where each ends
	slots  slots
	seed   maphash.Seed
	addrs  []netip.Addr // of a column of addresses, the entries as such
	factor [2]uint64
}

func (d *textDict) len() int { return len(d.ends) }

func (d *textDict) entry(e uint32) []byte {
	if e == 0 {
		return d.bytes[:d.ends[0]]
	}
	return d.bytes[d.ends[e-1]:d.ends[e]]
}

func (d *textDict) hash(e uint32) uint64 { return maphash.Bytes(d.seed, d.entry(e)) }

// code returns the number of text's entry, plus one.
func (d *textDict) code(text string) uint32 {
	if d.slots == nil {
		d.seed = maphash.MakeSeed()
	}
	if !d.slots.room(d.len()) {
		d.slots = d.slots.grown(d.len(), d.hash)
	}
	at := d.slots.home(maphash.String(d.seed, text))
	for ; d.slots[at] != 0; at = d.slots.next(at) {
		if string(d.entry(d.slots[at]-1)) == text {
			return d.slots[at]
		}
	}
	if !utf8.ValidString(text) {
		return d.code(validText(text))
	}
	d.bytes = append(d.bytes, text...)
	return d.added(at)
}

// added gives the place to the text that was appended last.
func (d *textDict) added(at uint64) uint32 {
	d.ends = append(d.ends, uint32(len(d.bytes)))
	d.slots[at] = uint32(len(d.ends))
	return d.slots[at]
}

// addrCode returns the number of an address's entry, plus one. A dictionary holds either texts or addresses.
func (d *textDict) addrCode(a netip.Addr) uint32 {
	if d.slots == nil {
		d.factor = [2]uint64{rand.Uint64() | 1, rand.Uint64() | 1}
	}
	if !d.slots.room(d.len()) {
		d.slots = d.slots.grown(d.len(), func(e uint32) uint64 { return d.addrHash(d.addrs[e]) })
	}
	at := d.slots.home(d.addrHash(a))
	for ; d.slots[at] != 0; at = d.slots.next(at) {
		if d.addrs[d.slots[at]-1] == a {
			return d.slots[at]
		}
	}
	d.addrs = append(d.addrs, a)
	d.bytes = a.AppendTo(d.bytes)
	return d.added(at)
}

func (d *textDict) addrHash(a netip.Addr) uint64 {
	b := a.As16()
	return binary.BigEndian.Uint64(b[:8])*d.factor[0] + binary.BigEndian.Uint64(b[8:])*d.factor[1]
}

func (d *textDict) footprint() int {
	return cap(d.bytes) + 4*cap(d.ends) + 4*cap(d.slots) + 24*cap(d.addrs)
}

func (d *textDict) reset() {
	d.bytes, d.ends, d.addrs = d.bytes[:0], d.ends[:0], d.addrs[:0]
	clear(d.slots)
}

// validText keeps the ASCII of a text that is not valid UTF-8, and shows each other byte as \xHH.
func validText(text string) string {
	var b strings.Builder
	for i := range len(text) {
		if text[i] < utf8.RuneSelf {
			b.WriteByte(text[i])
			continue
		}
		b.WriteString(`\x`)
		b.WriteString(strings.ToUpper(strconv.FormatUint(uint64(text[i]), 16)))
	}
	return b.String()
}
