package l7

import "bytes"

// reply is a reply of SMTP (RFC 5321 section 4.2.1) or FTP (RFC 959 section 4.2): a code of three digits and a text. In a reply
// of several lines, all but the last have a hyphen behind the code, or, in FTP, any text.
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

// readMore reads up to the line in which a space follows the code, or nothing does.
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

// Values of Conn.Mode for the protocols whose messages are lines and in which a client can ask for TLS: SMTP, FTP, POP3, IMAP.
const (
	lineNothing  uint8 = iota
	lineGreeted        // of a server: it sent its greeting, or a reply
	lineStartTLS       // of a client: it asked for TLS
	lineDone           // of a client: its commands that are of interest were read
)

// replyProtocol has the differences between SMTP and FTP.
type replyProtocol struct {
	isGreeting    func(text []byte, rest textLines) bool // reports whether text, with the replies behind it, is a greeting of this protocol only
	printGreeting func(h *Hint, r reply)
	startsTLS     func(code []byte, client uint8) bool // reports whether TLS begins behind the reply; client is the client's Mode
	parseCommands Parse
}

func (p *replyProtocol) parse(h *Hint, c *Conn, in Input) Verdict {
	switch {
	case len(in.Data) == 0:
		return moreUnless(in.Final)
	case fits(in.Data, "#"):
		return p.parseReply(h, c, in)
	case c.Mode[in.Side&1] == lineStartTLS && in.Data[0] < ' ':
		return moreUnless(in.Final) // the client's TLS, ahead of the server's reply
	}
	return p.parseCommands(h, c, in)
}

func (p *replyProtocol) parseReply(h *Hint, c *Conn, in Input) Verdict {
	const greeting = "220"
	mode, client := &c.Mode[in.Side&1], c.Mode[1^in.Side&1]
	first := *mode == lineNothing
	if first && client == lineNothing && !fits(in.Data, greeting) {
		return Reject
	}
	var r reply
	l := textLines{in.Data}
	if v := r.read(&l); v != Done {
		return finalVerdict(v, in.Final)
	}
	h.Next = l.end(in.Data)
	switch {
	case first && client == lineNothing && !p.isGreeting(in.Data[:h.Next], l):
		return moreUnless(in.Final)
	case first && string(r.code) == greeting:
		p.printGreeting(h, r)
	case p.startsTLS(r.code, client):
		h.Switch = true
	case client == lineDone:
		h.Next = Stop
	}
	*mode = lineGreeted
	return Done
}
