package export

import (
	"math"
	"net/netip"
)

// physical is the type of a column in a Parquet file.
type physical uint8

const (
	parquetString physical = iota
	parquetInt32
	parquetInt64
	parquetDouble
	parquetBool
)

// null is the code of a value that is not known. All others are the number of a dictionary's entry, plus one.
const null = 0

// values is what one column has of the rows that are gathered for a row group: a code for each, into a dictionary. A column
// whose rows are all the same so far, such as one that is never known, costs nothing but its count.
type values struct {
	kind  physical
	rows  int
	only  uint32   // the code of all rows, while codes is empty
	codes []uint32 // one a row, once two of them differ
	nulls int      // of codes
	dict  *dictionary
}

// dictionary is the values of a column that has any: texts or numbers.
type dictionary struct {
	texts   textDict
	numbers numberDict

	text string // the last one, and its code: neighbours are often the same
	addr netip.Addr
	last uint32
}

// What a column takes before it has any values, and what its dictionary takes without any.
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

// Codes of a column of truth values, which has no dictionary.
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

// uniform says whether all rows have the same code, v.only.
func (v *values) uniform() bool { return len(v.codes) == 0 }

// entries returns how many different values there are.
func (v *values) entries() int {
	if v.dict == nil {
		return 0
	}
	return max(v.dict.texts.len(), len(v.dict.numbers.values))
}

// footprint returns the bytes of memory that are held, used or not.
func (v *values) footprint() int {
	n := valuesSize + 4*cap(v.codes)
	if v.dict != nil {
		n += dictionarySize + v.dict.texts.footprint() + v.dict.numbers.footprint()
	}
	return n
}

// size returns the bytes of memory that are used, about as many as a file takes before it is compressed.
func (v *values) size() int {
	n := 4 * len(v.codes)
	if v.dict != nil {
		n += len(v.dict.texts.bytes) + 4*len(v.dict.texts.ends) + 8*len(v.dict.numbers.values)
	}
	return n
}

// reset forgets the rows and keeps the memory.
func (v *values) reset() {
	v.rows, v.only, v.nulls, v.codes = 0, null, 0, v.codes[:0]
	if d := v.dict; d != nil {
		d.texts.reset()
		d.numbers.reset()
		d.text, d.addr, d.last = "", netip.Addr{}, null
	}
}
