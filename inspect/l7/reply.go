package l7

import "bytes"

// reply is what a server of SMTP (RFC 5321 section 4.2.1) or FTP (RFC 959 section 4.2) answers: a code of three digits and
// a text. Of several lines all but the last have a hyphen behind the code, or, with FTP, anything at all.
type reply struct {
	code []byte
	text []byte // of the first line
}

// read reads a reply from the front of l.
func (r *reply) read(l *textLines) Verdict {
	if !fits(l.rest, "###") {
		return Reject
	}
	line, v := l.text()
	if v != Done {
		return v
	}
	if len(line) < len("###") {
		return Reject
	}
	r.code, r.text = line[:3], line[3:]
	if len(r.text) == 0 || r.text[0] == ' ' {
		r.text = bytes.TrimSpace(r.text)
		return Done
	}
	if r.text[0] != '-' {
		return Reject
	}
	r.text = bytes.TrimSpace(r.text[1:])
	return r.readMore(l)
}

// readMore reads up to the line that has the code with a space behind it, or nothing.
func (r *reply) readMore(l *textLines) Verdict {
	for {
		line, v := l.text()
		if v != Done {
			return v
		}
		if last, ok := bytes.CutPrefix(line, r.code); ok && (len(last) == 0 || last[0] == ' ') {
			return Done
		}
	}
}
