package parquet

import (
	"encoding/binary"
	"hash/maphash"
	"math/rand/v2"
	"net/netip"
	"strconv"
	"strings"
	"unicode/utf8"
)

// textDict is the dictionary of a column of text, in the order of first appearance. Readers of Parquet refuse text that is not valid
// UTF-8, so such text is escaped as in EVE. Addresses are looked up before they are formatted.
type textDict struct {
	bytes  []byte   // the texts, concatenated
	ends   []uint32 // the end of each text
	slots  slots
	seed   maphash.Seed
	addrs  []netip.Addr // the entries of a column of addresses
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

// added assigns the slot to the text that was appended last.
func (d *textDict) added(at uint64) uint32 {
	d.ends = append(d.ends, uint32(len(d.bytes)))
	d.slots[at] = uint32(len(d.ends))
	return d.slots[at]
}

// addrCode returns the number of an address's entry, plus one. A dictionary has either texts or addresses.
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

// validText escapes text that is not valid UTF-8: it keeps ASCII, and turns each other byte into \xHH.
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
