package l7

import "github.com/mirrorsink/mirrorsink/decap/wire"

// hpack reads the fields of the first header block of one direction (RFC 7541), whose dynamic table is empty at first. In a later
// block it reads the fields that do not refer to the table of the earlier ones.
type hpack struct {
	h     *Hint
	block wire.Cursor
	added int // fields put into the dynamic table
	table [hpackTable]hpackField
}

type hpackField struct{ name, value []byte }

// hpackTable is the number of fields of the dynamic table that are kept. A client's first header block adds about ten.
const hpackTable = 32

func newHPACK(h *Hint, block []byte) hpack { return hpack{h: h, block: wire.New(block)} }

// next returns the next field. Name and value alias the block or the hint's scratch; they are nil if they are not known. It is
// false at the end, and at a field that cannot be read.
func (r *hpack) next() (name, value []byte, ok bool) {
	for !r.block.Empty() {
		first := r.block.U8()
		switch {
		case first&0x80 != 0: // indexed field; section 6.1
			f := r.at(r.number(first, 7))
			return f.name, f.value, r.block.OK()
		case first&0xc0 == 0x40: // literal with indexing; section 6.2.1
			f := r.literal(r.number(first, 6))
			r.table[r.added%hpackTable] = f
			r.added++
			return f.name, f.value, r.block.OK()
		case first&0xe0 == 0x20: // size of the table; section 6.3
			r.number(first, 5)
		default: // literal without indexing; sections 6.2.2 and 6.2.3
			f := r.literal(r.number(first, 4))
			return f.name, f.value, r.block.OK()
		}
	}
	return nil, nil, false
}

// literal reads a field. Its name is that of the entry at index, or a literal if index is 0.
func (r *hpack) literal(index int) (f hpackField) {
	if index == 0 {
		f.name = r.text()
	} else {
		f.name = r.at(index).name
	}
	f.value = r.text()
	return f
}

// at returns the entry at an index of the static table and, behind it, the dynamic one, its newest field first
// (section 2.3.3).
func (r *hpack) at(index int) hpackField {
	if index <= 0 {
		r.block.Fail()
		return hpackField{}
	}
	if index <= len(hpackStatic) {
		s := &hpackStatic[index-1]
		return hpackField{r.copy(s[0]), r.copy(s[1])}
	}
	age := index - len(hpackStatic) // 1 is the newest
	if age > min(r.added, hpackTable) {
		return hpackField{}
	}
	return r.table[(r.added-age)%hpackTable]
}

func (r *hpack) copy(text string) []byte {
	start := len(r.h.scratch)
	r.h.scratch = append(r.h.scratch, text...)
	return r.h.since(start)
}

// maxHPACKNumber bounds lengths and indexes. Nothing larger fits into the Window.
const maxHPACKNumber = 1 << 16

// number reads an integer whose first bits are the low bits of first (section 5.1).
func (r *hpack) number(first uint8, bits uint) int {
	n := int(first) & (1<<bits - 1)
	if n < 1<<bits-1 {
		return n
	}
	for shift := uint(0); r.block.OK(); shift += 7 {
		b := r.block.U8()
		if n += int(b&0x7f) << shift; n > maxHPACKNumber {
			r.block.Fail()
		}
		if b&0x80 == 0 {
			break
		}
		if shift > 14 {
			r.block.Fail()
		}
	}
	return n
}

// text reads a string literal (section 5.2).
func (r *hpack) text() []byte {
	first := r.block.U8()
	text := r.block.Bytes(r.number(first, 7))
	if first&0x80 == 0 {
		return text
	}
	start := len(r.h.scratch)
	var ok bool
	if r.h.scratch, ok = appendHuffman(r.h.scratch, text); !ok {
		r.block.Fail()
	}
	return r.h.since(start)
}
