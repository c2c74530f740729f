package l7

import (
	"bytes"
	"strings"
)

// isText reports whether bytes are printable ASCII, at least one.
func isText(b []byte) bool {
	for _, c := range b {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return len(b) > 0
}

// parseNumber reads a number in base 10 or 16. It is false if there are other bytes than digits, or none, or more than 63 bits.
func parseNumber(digits []byte, base int64) (int64, bool) {
	var n int64
	for _, c := range digits {
		d := digitValue(c)
		if d >= base || n > (1<<63-1-d)/base {
			return 0, false
		}
		n = n*base + d
	}
	return n, len(digits) > 0
}

// digitValue returns the value of a hexadecimal digit, and 16 for other bytes.
func digitValue(c byte) int64 {
	switch {
	case c >= '0' && c <= '9':
		return int64(c - '0')
	case c >= 'a' && c <= 'f':
		return int64(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int64(c-'A') + 10
	}
	return 16
}

func isAlphanumeric(b byte) bool {
	return b >= '0' && b <= '9' || b >= 'A' && b <= 'Z' || b >= 'a' && b <= 'z'
}

func lowerASCII(b byte) byte {
	if 'A' <= b && b <= 'Z' {
		return b + 'a' - 'A'
	}
	return b
}

// indexControl returns the index of the first control character other than a tab; -1 if there is none.
func indexControl(b []byte) int {
	for i, c := range b {
		if c < ' ' && c != '\t' || c == 0x7f {
			return i
		}
	}
	return -1
}

// trimBlanks removes spaces and tabs at both ends, and returns nil if nothing is left. bytes.Trim is slower: it makes a table
// first.
func trimBlanks(b []byte) []byte {
	b = trimBlanksRight(b)
	for len(b) > 0 && isBlank(b[0]) {
		b = b[1:]
	}
	if len(b) == 0 {
		return nil
	}
	return b
}

// trimNewlines removes the ends of lines at the front.
func trimNewlines(b []byte) []byte {
	for len(b) > 0 && (b[0] == '\r' || b[0] == '\n') {
		b = b[1:]
	}
	return b
}

// trimBlanksRight removes spaces and tabs at the end.
func trimBlanksRight(b []byte) []byte {
	for len(b) > 0 && isBlank(b[len(b)-1]) {
		b = b[:len(b)-1]
	}
	return b
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' }

// fits reports whether b and form are equal over the shorter of the two; # in form stands for any digit.
func fits(b []byte, form string) bool {
	for i := range min(len(b), len(form)) {
		digit := form[i] == '#' && b[i] >= '0' && b[i] <= '9'
		if b[i] != form[i] && !digit {
			return false
		}
	}
	return true
}

func equalFold(word string, b []byte) bool {
	return len(word) == len(b) && strings.EqualFold(word, string(b))
}

// containsFold reports whether text contains a word, in any case.
func containsFold(text []byte, word string) bool {
	for i := 0; i+len(word) <= len(text); i++ {
		if equalFold(word, text[i:i+len(word)]) {
			return true
		}
	}
	return false
}

// firstWord returns the text before the first space.
func firstWord(b []byte) []byte {
	b, _, _ = bytes.Cut(b, []byte(" "))
	return b
}

// isPlainMechanism reports whether a mechanism of authentication sends the password itself, in base64: PLAIN (RFC 4616) and LOGIN.
func isPlainMechanism(name []byte) bool { return equalFold("plain", name) || equalFold("login", name) }
