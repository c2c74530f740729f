package l7

import "bytes"

// IMAP (RFC 9051). The server's greeting makes an event, and so does the command with which the client authenticates: LOGIN or
// AUTHENTICATE; or STARTTLS. TLS follows the reply to STARTTLS, which has the command's tag.
//
// Conn.Mode is what was seen of each side; see the constants of reply.go. Bits and Len are the tag of STARTTLS. Left is not used.

// imapMaxTag is the number of bytes of a tag that are kept.
const imapMaxTag = 8

func parseIMAP(h *Hint, c *Conn, in Input) Verdict {
	side := in.Side & 1
	switch {
	case len(in.Data) == 0:
		return moreUnless(in.Final)
	case c.Mode[side] == lineGreeted, c.Mode[1^side] > lineGreeted:
		return parseIMAPReply(h, c, in)
	case in.Data[0] == '*':
		return parseIMAPGreeting(h, c, in)
	case c.Mode[side] == lineStartTLS && in.Data[0] < ' ':
		return moreUnless(in.Final) // the client's TLS, ahead of the server's reply
	}
	return parseIMAPCommands(h, c, in)
}

var imapStates = words{"OK", "PREAUTH", "BYE"}

func parseIMAPGreeting(h *Hint, c *Conn, in Input) Verdict {
	if !fits(in.Data, "* ") {
		return Reject
	}
	l := textLines{in.Data}
	line, v := l.text()
	switch {
	case v == More && len(l.rest) > len("* ") && !imapStates.may(l.rest[len("* "):]):
		return Reject
	case v != Done:
		return finalVerdict(v, in.Final)
	case len(line) < len("* "):
		return Reject
	}
	state, text := imapStates.first(line[len("* "):])
	if state == "" {
		return Reject
	}
	c.Mode[in.Side&1] = lineGreeted
	h.Role, h.Next = Response, l.end(in.Data)
	h.Const(keyStatus, state)
	printText(h, keyGreeting, text)
	return Done
}

// parseIMAPReply reads a line of the server after its greeting.
func parseIMAPReply(h *Hint, c *Conn, in Input) Verdict {
	l := textLines{in.Data}
	line, v := l.text()
	if v != Done {
		return finalVerdict(v, in.Final)
	}
	h.Next = l.end(in.Data)
	c.Mode[in.Side&1] = lineGreeted
	switch c.Mode[1^in.Side&1] {
	case lineDone:
		h.Next = Stop
	case lineStartTLS:
		tag, rest, _ := bytes.Cut(line, []byte(" "))
		state, _ := imapStates.first(rest)
		h.Switch = state == "OK" && imapTag(tag) == c.Bits && len(tag) == int(c.Len)
	}
	return Done
}

// imapTag packs the first bytes of a tag into an integer.
func imapTag(tag []byte) (packed uint64) {
	for _, b := range tag[:min(len(tag), imapMaxTag)] {
		packed = packed<<8 | uint64(b)
	}
	return packed
}

var imapVerbs = words{"CAPABILITY", "LOGIN", "AUTHENTICATE", "STARTTLS", "NOOP", "LOGOUT", "ID", "ENABLE", "COMPRESS",
	"SELECT", "EXAMINE", "LIST", "LSUB", "STATUS", "UID", "FETCH", "SEARCH", "APPEND", "NAMESPACE", "IDLE"}

// parseIMAPCommands reads lines up to the one with which the client authenticates.
func parseIMAPCommands(h *Hint, c *Conn, in Input) Verdict {
	mode := &c.Mode[in.Side&1]
	certain := *mode != lineNothing || c.Mode[1^in.Side&1] != lineNothing
	l := textLines{in.Data}
	for {
		line, v := l.text()
		if v == More && !certain && !imapMay(l.rest) {
			return Reject
		}
		if v != Done {
			return finalVerdict(v, in.Final)
		}
		tag, verb, arg := imapCommand(line, certain)
		switch verb {
		case "CAPABILITY", "NOOP", "ID", "ENABLE", "NAMESPACE":
			certain = true
			continue
		case "":
			if !certain {
				return Reject
			}
			continue
		}
		h.Role, h.Next, *mode = Request, Stop, lineDone
		if verb == "STARTTLS" {
			h.Next, *mode = l.end(in.Data), lineStartTLS
			c.Bits, c.Len = imapTag(tag), uint8(len(tag))
		}
		printIMAPCommand(h, verb, arg)
		return Done
	}
}

// imapCommand splits a command. The verb is empty if the line is no command. Until the protocol is certain the tag must have a
// digit, as the tags of most clients have.
func imapCommand(line []byte, certain bool) (tag []byte, verb string, arg []byte) {
	tag, rest, _ := bytes.Cut(line, []byte(" "))
	if !imapIsTag(tag) || !certain && !bytes.ContainsAny(tag, "0123456789") {
		return nil, "", nil
	}
	verb, arg = imapVerbs.first(rest)
	return tag, verb, arg
}

// imapMay reports whether an incomplete line can become a command.
func imapMay(b []byte) bool {
	tag, rest, _ := bytes.Cut(b, []byte(" "))
	return len(tag) == 0 && len(b) == 0 || imapIsTag(tag) && imapVerbs.may(rest)
}

// imapIsTag is stricter than RFC 9051 section 9: letters, digits, points and hyphens.
func imapIsTag(tag []byte) bool {
	for _, b := range tag {
		if !isAlphanumeric(b) && b != '.' && b != '-' {
			return false
		}
	}
	return len(tag) > 0 && len(tag) <= 16
}

func printIMAPCommand(h *Hint, verb string, arg []byte) {
	h.Const(keyCommand, verb)
	switch verb {
	case "LOGIN":
		h.Credentials = true
		printText(h, keyUser, imapString(arg))
	case "AUTHENTICATE":
		h.Credentials = isPlainMechanism(firstWord(arg))
		printText(h, keyMechanism, firstWord(arg)) // an initial response, which follows, is a secret
	}
}

// imapString returns the first argument, if it is an atom or a quoted string; nil for a literal, which is on a line of its own.
func imapString(arg []byte) []byte {
	if quoted, ok := bytes.CutPrefix(arg, []byte(`"`)); ok {
		quoted, _, _ = bytes.Cut(quoted, []byte(`"`))
		return quoted
	}
	if bytes.HasPrefix(arg, []byte("{")) {
		return nil
	}
	return firstWord(arg)
}

// Keys of the fields.
var (
	keyGreeting = KeyOf("greeting")
)
