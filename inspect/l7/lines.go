package l7

import "bytes"

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
	i := bytes.IndexFunc(l.rest, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f })
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
