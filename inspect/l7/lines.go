package l7

import "bytes"

// textLines reads lines from the front of rest. They end in CRLF, or in LF alone.
type textLines struct{ rest []byte }

// next returns a line without its line end; false if the line end is missing.
func (l *textLines) next() ([]byte, bool) {
	line, rest, ok := bytes.Cut(l.rest, []byte("\n"))
	if !ok {
		return nil, false
	}
	l.rest = rest
	return bytes.TrimSuffix(line, []byte("\r")), true
}

// text returns the next line. It is Reject if the line has control characters, and More if the line end is missing.
func (l *textLines) text() ([]byte, Verdict) {
	i := indexControl(l.rest)
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

// end returns the offset in data up to which l has read.
func (l *textLines) end(data []byte) int { return len(data) - len(l.rest) }

// header reads the section of header fields at the front of l, up to the isBlank line behind it, and keeps the first value of
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

// words are the first words of a text protocol's lines, in capitals. In lines their case does not matter.
type words []string

// first returns the first word of a line, and the rest of the line. The word is empty if it is none of w.
func (w words) first(line []byte) (word string, rest []byte) {
	head, rest, _ := bytes.Cut(line, []byte(" "))
	for _, word := range w {
		if equalFold(word, head) {
			return word, bytes.Trim(rest, " ")
		}
	}
	return "", nil
}

// may reports whether an incomplete line can become one that begins with a word of w.
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

// field returns the next line together with its continuation lines (RFC 9112 section 5.2). It includes all line ends but the
// last.
func (l *textLines) field() ([]byte, bool) {
	from := l.rest
	line, ok := l.next()
	if !ok || len(line) == 0 || !l.continues() {
		return line, ok
	}
	for ok && l.continues() {
		_, ok = l.next()
	}
	return bytes.TrimRight(from[:len(from)-len(l.rest)], "\r\n"), ok
}

func (l *textLines) continues() bool {
	return len(l.rest) > 0 && (l.rest[0] == ' ' || l.rest[0] == '\t')
}

// hasBlankLine reports whether a header section ends in b. With it the fields of a long section are not read again for each
// segment.
func hasBlankLine(b []byte) bool {
	return bytes.Contains(b, []byte("\n\r\n")) || bytes.Contains(b, []byte("\n\n"))
}
