package l7

import (
	"bytes"
	"strings"
)

// textLines yields lines from the front of rest. They end in CRLF, or in LF alone.
type textLines struct{ rest []byte }

// next returns a line without its end; false if there is no whole one.
func (l *textLines) next() ([]byte, bool) {
	line, rest, ok := bytes.Cut(l.rest, []byte("\n"))
	if !ok {
		return nil, false
	}
	l.rest = rest
	return bytes.TrimSuffix(line, []byte("\r")), true
}

// text returns the next line if it has no control characters. What may still become such a line is More.
func (l *textLines) text() ([]byte, Verdict) {
	i := controlByte(l.rest)
	if i < 0 {
		return nil, More
	}
	end := l.rest[i:]
	if string(end) == "\r" {
		return nil, More
	}
	if end[0] != '\n' && !bytes.HasPrefix(end, []byte("\r\n")) {
		return nil, Reject
	}
	line, _ := l.next()
	return line, Done
}

// controlByte returns where the first control character but a tab is; -1 if there is none.
func controlByte(b []byte) int {
	for i, c := range b {
		if c < ' ' && c != '\t' || c == 0x7f {
			return i
		}
	}
	return -1
}

// trimBlanks takes spaces and tabs off both ends, and returns nil if nothing is left. (bytes.Trim makes a table first.)
func trimBlanks(b []byte) []byte {
	b = trimBlanksRight(b)
	for len(b) > 0 && blank(b[0]) {
		b = b[1:]
	}
	if len(b) == 0 {
		return nil
	}
	return b
}

// trimBlanksRight takes spaces and tabs off the end.
func trimBlanksRight(b []byte) []byte {
	for len(b) > 0 && blank(b[len(b)-1]) {
		b = b[:len(b)-1]
	}
	return b
}

func blank(c byte) bool { return c == ' ' || c == '\t' }

// fits reports whether b and form agree over the shorter of the two; # in form is any digit.
func fits(b []byte, form string) bool {
	for i := range min(len(b), len(form)) {
		digit := form[i] == '#' && b[i] >= '0' && b[i] <= '9'
		if b[i] != form[i] && !digit {
			return false
		}
	}
	return true
}

// end returns the offset in data of what l has not yet read of it.
func (l *textLines) end(data []byte) int { return len(data) - len(l.rest) }

// header reads the section of header fields at the front of l, up to the blank line behind it, and keeps the first value of
// each field that names has, in lower case. It reports whether the section has an end.
func (l *textLines) header(names []string, values [][]byte) (whole bool) {
	for {
		line, ok := l.field()
		if !ok || len(line) == 0 {
			return ok
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		for i, n := range names {
			if values[i] == nil && equalFold(n, trimBlanksRight(name)) {
				values[i] = bytes.TrimSpace(value)
			}
		}
	}
}

// words are what a line of a text protocol may begin with, in capitals. In a line their case does not matter.
type words []string

// first returns the word that a line begins with, and what follows it; an empty word if it is none of w.
func (w words) first(line []byte) (word string, rest []byte) {
	head, rest, _ := bytes.Cut(line, []byte(" "))
	for _, word := range w {
		if equalFold(word, head) {
			return word, bytes.Trim(rest, " ")
		}
	}
	return "", nil
}

// may reports whether b, a line whose end has not come, can become one that begins with a word of w.
func (w words) may(b []byte) bool {
	head, _, whole := bytes.Cut(bytes.TrimSuffix(b, []byte("\r")), []byte(" "))
	for _, word := range w {
		if len(head) == len(word) || len(head) < len(word) && !whole {
			if equalFold(word[:len(head)], head) {
				return true
			}
		}
	}
	return false
}

func equalFold(word string, b []byte) bool {
	return len(word) == len(b) && strings.EqualFold(word, string(b))
}

// mentions reports whether a word is anywhere in text, whatever its case.
func mentions(text []byte, word string) bool {
	for i := 0; i+len(word) <= len(text); i++ {
		if equalFold(word, text[i:i+len(word)]) {
			return true
		}
	}
	return false
}

// untilSpace returns what stands before the first space.
func untilSpace(b []byte) []byte {
	b, _, _ = bytes.Cut(b, []byte(" "))
	return b
}

// moreOr returns the verdict on a line or message that was not read: More is none if nothing will follow.
func moreOr(v Verdict, final bool) Verdict {
	if v == More {
		return moreUnless(final)
	}
	return v
}
