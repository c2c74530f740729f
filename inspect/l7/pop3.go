package l7

import "bytes"

// POP3 (RFC 1939). The server's greeting makes an event, and so does the command with which the client authenticates: USER,
// APOP or AUTH; or STLS (RFC 2595).
//
// USER is a command of FTP too, and a bare "+OK" a reply of Redis. Ambiguous messages wait for more. Each line of the client
// has one reply. Both are counted to find the reply to STLS, after which TLS begins.
//
// Conn.Mode is what was seen of each side; see the constants of reply.go. Left counts the client's lines up to STLS, and the
// server's replies without the greeting. Bits and Len are not used.

func parsePOP3(h *Hint, c *Conn, in Input) Verdict {
	side := in.Side & 1
	server := c.Mode[side] == lineGreeted || c.Mode[1^side] > lineGreeted
	switch {
	case len(in.Data) == 0:
		return moreUnless(in.Final)
	case server && c.Mode[side] != lineNothing:
		return parsePOP3Line(h, c, in)
	case fits(in.Data, "+OK"):
		return parsePOP3Greeting(h, c, in, server)
	case server:
		return parsePOP3Line(h, c, in)
	case c.Mode[side] == lineStartTLS && in.Data[0] < ' ':
		return moreUnless(in.Final) // the client's TLS, ahead of the server's reply
	}
	return parsePOP3Commands(h, c, in)
}

// parsePOP3Greeting reads the server's first line. It differs from other protocols by a text with the protocol's name or a time
// stamp for APOP, or by a text and another such line.
func parsePOP3Greeting(h *Hint, c *Conn, in Input, certain bool) Verdict {
	l := textLines{in.Data}
	line, v := l.text()
	switch {
	case v != Done:
		return finalVerdict(v, in.Final)
	case len(line) > len("+OK") && line[len("+OK")] != ' ':
		return Reject
	}
	h.Next = l.end(in.Data)
	text := bytes.TrimSpace(line[len("+OK"):])
	stamped := bytes.HasSuffix(text, []byte(">")) && bytes.IndexByte(text, '@') >= 0
	switch {
	case certain, len(text) > 0 && (stamped || containsFold(text, "POP") || fits(l.rest, "+OK") && len(l.rest) > len("+OK")):
	default:
		return moreUnless(in.Final)
	}
	c.Mode[in.Side&1] = lineGreeted
	h.Role = Response
	h.Object(keyResponse)
	h.True(keySuccess)
	h.Const(keyStatus, "OK")
	printText(h, keyHeader, text)
	h.End()
	return Done
}

// parsePOP3Line reads a line of the server after its greeting: a reply, or a line of a list.
func parsePOP3Line(h *Hint, c *Conn, in Input) Verdict {
	side := in.Side & 1
	l := textLines{in.Data}
	line, v := l.text()
	if v != Done {
		return finalVerdict(v, in.Final)
	}
	c.Mode[side] = lineGreeted
	h.Next = l.end(in.Data)
	good := bytes.HasPrefix(line, []byte("+OK"))
	if !good && !bytes.HasPrefix(line, []byte("-ERR")) && !bytes.HasPrefix(line, []byte("+ ")) {
		return Done
	}
	c.Left[side]++
	switch client := c.Mode[1^side]; {
	case client == lineStartTLS && good && c.Left[side] == c.Left[1^side]:
		h.Switch = true
	case client == lineDone:
		h.Next = Stop
	}
	return Done
}

// Commands of POP3 only, and commands that other protocols have too.
var (
	pop3Verbs       = words{"CAPA", "APOP", "STLS", "UIDL", "TOP", "UTF8", "XTND"}
	pop3SharedVerbs = words{"USER", "PASS", "AUTH", "QUIT", "NOOP", "STAT", "LIST", "RETR", "DELE", "RSET", "LANG"}
)

// parsePOP3Commands reads lines up to the one with which the client authenticates and, as long as they may belong to another
// protocol, up to one that cannot.
func parsePOP3Commands(h *Hint, c *Conn, in Input) Verdict {
	side := in.Side & 1
	s := pop3Session{lines: c.Left[side], certain: c.Mode[side] != lineNothing || c.Mode[1^side] != lineNothing}
	l := textLines{in.Data}
	for s.verb == "" || !s.certain {
		line, v := l.text()
		switch {
		case v == More && !in.Final && (s.certain || pop3Verbs.may(l.rest) || pop3SharedVerbs.may(l.rest)):
			return More
		case v != Done, !s.command(line) && !s.certain:
			return Reject
		}
	}
	h.Role, h.Next, c.Mode[side] = Request, Stop, lineDone
	if s.verb == "STLS" {
		h.Next, c.Mode[side], c.Left[side] = l.end(in.Data), lineStartTLS, s.lines
	}
	h.Credentials = s.sendsPassword()
	h.Object(keyRequest)
	h.Const(keyCommand, s.verb)
	if len(s.arg) > 0 {
		h.Array(keyArgs)
		h.Str(element, s.arg)
		h.End()
	}
	h.End()
	return Done
}

// pop3Session is a client's authentication.
type pop3Session struct {
	verb    string
	arg     []byte // its first argument only: the others are secrets
	lines   uint32
	certain bool // no other protocol has such commands
}

// sendsPassword reports whether the client sends its password itself.
func (s *pop3Session) sendsPassword() bool {
	return s.verb == "USER" || s.verb == "PASS" || s.verb == "AUTH" && isPlainMechanism(s.arg)
}

// command adds a line. It is false if the line is no command.
func (s *pop3Session) command(line []byte) bool {
	s.lines++
	verb, arg := pop3Verbs.first(line)
	if verb != "" {
		s.certain = true
	} else if verb, arg = pop3SharedVerbs.first(line); verb == "" {
		return false
	}
	question := verb == "CAPA" || verb == "NOOP" || verb == "LANG" || verb == "UTF8" || verb == "AUTH" && len(arg) == 0
	if s.verb == "" && !question {
		s.verb = verb
		if verb != "PASS" {
			s.arg = firstWord(arg)
		}
	}
	return true
}

// Keys of the fields.
var (
	keyArgs    = KeyOf("args")
	keyHeader  = KeyOf("header")
	keySuccess = KeyOf("success")
)
