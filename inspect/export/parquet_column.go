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
	kind    physical
	rows    int
	only    uint32   // the code of all rows, while codes is empty
	codes   []uint32 // one a row, once two of them differ
	nulls   int      // of codes
	texts   textDict
	numbers numberDict

	text     string // the last one, and its code: neighbours are often the same
	addr     netip.Addr
	lastCode uint32
}

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
	case v.lastCode == null || text != v.text:
		v.text, v.lastCode = text, v.texts.code(text)
	}
	v.push(v.lastCode)
}

func (v *values) pushAddr(a netip.Addr) {
	switch {
	case !a.IsValid():
		v.push(null)
		return
	case v.lastCode == null || a != v.addr:
		v.addr, v.lastCode = a, v.texts.addrCode(a)
	}
	v.push(v.lastCode)
}

func (v *values) pushInt(n int64, known bool) {
	if !known {
		v.push(null)
		return
	}
	v.push(v.numbers.code(n))
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
func (v *values) entries() int { return max(v.texts.len(), len(v.numbers.values)) }

// footprint returns the bytes of memory that are held, used or not.
func (v *values) footprint() int { return 4*cap(v.codes) + v.texts.footprint() + v.numbers.footprint() }

// reset forgets the rows and keeps the memory.
func (v *values) reset() {
	v.rows, v.only, v.nulls, v.codes = 0, null, 0, v.codes[:0]
	v.texts.reset()
	v.numbers.reset()
	v.text, v.addr, v.lastCode = "", netip.Addr{}, null
}
