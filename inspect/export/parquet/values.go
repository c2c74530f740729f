package parquet

import (
	"math"
	"net/netip"
)

// physical is the type of a column in a Parquet file.
type physical uint8

const (
	stringType physical = iota
	int32Type
	int64Type
	doubleType
	boolType
)

// null is the code of an unknown value. All other codes are the number of a dictionary's entry, plus one.
const null = 0

// values is one column of a row group: a code for each row, into a dictionary. A column whose rows all have the same value, such as
// one that is always null, takes no memory for codes.
type values struct {
	typ   physical
	rows  int
	only  uint32   // the code of all rows, while codes is empty
	codes []uint32 // one for each row, once two of them differ
	nulls int      // in codes
	dict  *dictionary
}

// dictionary has the distinct values of a column: texts or numbers.
type dictionary struct {
	texts   textDict
	numbers numberDict

	text string // the last value, with its code: neighbours are often the same
	addr netip.Addr
	last uint32
}

// Memory of a column and of a dictionary without values.
const (
	valuesSize     = 72
	dictionarySize = 320
)

func (v *values) push(code uint32) {
	switch {
	case len(v.codes) > 0:
		v.append(code)
	case v.rows == 0:
		v.only = code
	case v.only != code:
		for range v.rows {
			v.append(v.only)
		}
		v.append(code)
	}
	v.rows++
}

func (v *values) append(code uint32) {
	if code == null {
		v.nulls++
	}
	v.codes = append(v.codes, code)
}

func (v *values) pushText(text string) {
	switch {
	case text == "":
		v.push(null)
		return
	case v.dict == nil:
		v.dict = &dictionary{}
	}
	d := v.dict
	if d.last == null || text != d.text {
		d.text, d.last = text, d.texts.code(text)
	}
	v.push(d.last)
}

func (v *values) pushAddr(a netip.Addr) {
	switch {
	case !a.IsValid():
		v.push(null)
		return
	case v.dict == nil:
		v.dict = &dictionary{}
	}
	d := v.dict
	if d.last == null || a != d.addr {
		d.addr, d.last = a, d.texts.addrCode(a)
	}
	v.push(d.last)
}

func (v *values) pushInt(n int64, known bool) {
	switch {
	case !known:
		v.push(null)
		return
	case v.dict == nil:
		v.dict = &dictionary{}
	}
	v.push(v.dict.numbers.code(n))
}

func (v *values) pushDouble(f float64, known bool) { v.pushInt(int64(math.Float64bits(f)), known) }

// Codes of a column of booleans, which has no dictionary.
const (
	codeFalse = 1 + iota
	codeTrue
)

func (v *values) pushBool(b, known bool) {
	switch {
	case !known:
		v.push(null)
	case b:
		v.push(codeTrue)
	default:
		v.push(codeFalse)
	}
}

// uniform reports whether all rows have the same code, v.only.
func (v *values) uniform() bool { return len(v.codes) == 0 }

// entries returns the number of distinct values.
func (v *values) entries() int {
	if v.dict == nil {
		return 0
	}
	return max(v.dict.texts.len(), len(v.dict.numbers.values))
}

// footprint returns the bytes of memory that the column occupies, used or not.
func (v *values) footprint() int {
	n := valuesSize + 4*cap(v.codes)
	if v.dict != nil {
		n += dictionarySize + v.dict.texts.footprint() + v.dict.numbers.footprint()
	}
	return n
}

// size returns the bytes of memory that are used: about the column's size in a file before compression.
func (v *values) size() int {
	n := 4 * len(v.codes)
	if v.dict != nil {
		n += len(v.dict.texts.bytes) + 4*len(v.dict.texts.ends) + 8*len(v.dict.numbers.values)
	}
	return n
}

// reset removes the rows and keeps the memory.
func (v *values) reset() {
	v.rows, v.only, v.nulls, v.codes = 0, null, 0, v.codes[:0]
	if d := v.dict; d != nil {
		d.texts.reset()
		d.numbers.reset()
		d.text, d.addr, d.last = "", netip.Addr{}, null
	}
}
