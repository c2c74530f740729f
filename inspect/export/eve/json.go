package eve

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"strconv"
	"unicode/utf8"
)

// line writes one JSON value into a byte slice, member by member. It appends a comma after each member; the closing bracket
// removes the last one. Keys are constants of the program and need no escaping.
type line struct {
	b        []byte
	brackets uint64 // the open ones, innermost in bit 0: 0 for an object, 1 for an array. No event has 64
	kept     *kept
}

// key begins a member of the innermost object; with an empty key, an element of the innermost array. It returns the line so far.
// The caller appends the value and a comma and stores the result in l.b: that is cheaper than a load of l.b for each byte.
func (l *line) key(k string) []byte {
	if k == "" {
		return l.b
	}
	b := append(l.b, '"')
	b = append(b, k...)
	return append(b, '"', ':')
}

func (l *line) object(k string) {
	l.b = append(l.key(k), '{')
	l.brackets <<= 1
}

func (l *line) array(k string) {
	l.b = append(l.key(k), '[')
	l.brackets = l.brackets<<1 | 1
}

// end closes the innermost object or array.
func (l *line) end() {
	b := l.b
	if n := len(b) - 1; b[n] == ',' {
		b = b[:n]
	}
	l.b = append(b, "}]"[l.brackets&1], ',')
	l.brackets >>= 1
}

func (l *line) uint(k string, n uint64) {
	l.b = append(strconv.AppendUint(l.key(k), n, 10), ',')
}

func (l *line) int(k string, n int64) {
	l.b = append(strconv.AppendInt(l.key(k), n, 10), ',')
}

// float writes a number with a decimal point, even if it is whole: search engines that find a column's type by its first values would
// take it for an integer, and lose the fractions that follow.
func (l *line) float(k string, v float64) {
	b := l.key(k)
	start := len(b)
	b = strconv.AppendFloat(b, v, 'f', -1, 64)
	if bytes.IndexByte(b[start:], '.') < 0 {
		b = append(b, ".0"...)
	}
	l.b = append(b, ',')
}

func (l *line) bool(k string, v bool) {
	l.b = append(strconv.AppendBool(l.key(k), v), ',')
}

// word writes a constant text, which needs no escaping.
func (l *line) word(k, text string) {
	b := append(l.key(k), '"')
	b = append(b, text...)
	l.b = append(b, '"', ',')
}

// text writes bytes of a packet or an inventory, with escapes.
func (l *line) text(k string, text []byte) {
	l.b = append(appendString(l.key(k), text), ',')
}

// addr writes an address in its shortest form (RFC 5952). Suricata prints all zeros of IPv6 addresses; parsers accept both.
func (l *line) addr(k string, a netip.Addr) {
	l.b = append(a.AppendTo(append(l.key(k), '"')), '"', ',')
}

// appendString appends text as a JSON string, with Suricata's escapes. Valid UTF-8 stays as it is. Text that is not valid UTF-8
// keeps its ASCII, and each other byte becomes \xHH with a literal backslash.
func appendString(dst, text []byte) []byte {
	dst = append(dst, '"')
	plain := plainPrefix(text)
	dst = append(dst, text[:plain]...)
	if text = text[plain:]; len(text) > 0 {
		dst = appendEscaped(dst, text, utf8.Valid(text))
	}
	return append(dst, '"')
}

// plainPrefix returns how many bytes at the start of text need no escape. It checks eight at a time, and the last eight although it
// checked some of them before.
func plainPrefix(text []byte) int {
	n := 0
	for len(text)-n >= 8 && plainWord(binary.LittleEndian.Uint64(text[n:])) {
		n += 8
	}
	if rest := len(text) - n; n > 0 && rest < 8 && plainWord(binary.LittleEndian.Uint64(text[len(text)-8:])) {
		return len(text)
	}
	for n < len(text) && plainByte(text[n]) {
		n++
	}
	return n
}

func plainByte(c byte) bool { return c >= ' ' && c < utf8.RuneSelf && c != '"' && c != '\\' }

// plainWord reports whether eight bytes are all plain. A byte that is not has its highest bit set, or one of the subtractions sets
// it. A subtraction borrows from the next byte only at a byte that is not plain, so the result is exact.
func plainWord(w uint64) bool {
	const ones, highs = 0x0101_0101_0101_0101, 0x8080_8080_8080_8080
	control, quote, backslash := w-ones*' ', w^ones*'"'-ones, w^ones*'\\'-ones
	return (w|control|quote|backslash)&highs == 0
}

func appendEscaped(dst, text []byte, valid bool) []byte {
	for _, c := range text {
		if c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf && !valid {
			dst = appendEscape(dst, c)
		} else {
			dst = append(dst, c)
		}
	}
	return dst
}

const hex = "0123456789abcdef"

func appendEscape(dst []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\b':
		return append(dst, '\\', 'b')
	case '\t':
		return append(dst, '\\', 't')
	case '\n':
		return append(dst, '\\', 'n')
	case '\f':
		return append(dst, '\\', 'f')
	case '\r':
		return append(dst, '\\', 'r')
	}
	if c < ' ' {
		return append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
	}
	return append(dst, '\\', '\\', 'x', hex[c>>4], hex[c&15])
}
