package l7

import "bytes"

// SMTP (RFC 5321) and LMTP (RFC 2033). The server's greeting makes an event, and so do the client's commands up to its first
// message: its name, the sender, the recipients. The message itself is not read.
//
// A greeting can look like that of FTP. If it is ambiguous, the client's first command decides. Only two replies have the code
// 220: the greeting, and the reply to STARTTLS (RFC 3207), after which TLS begins.
//
// Conn.Mode is what was seen of each side; see the constants of reply.go. The other fields of Conn are not used.

// smtpReplies has the parts that differ from FTP.
var smtpReplies = replyProtocol{
	isGreeting: isSMTPGreeting, printGreeting: printSMTPGreeting, parseCommands: parseSMTPCommands,
	startsTLS: func(code []byte, _ uint8) bool { return string(code) == "220" },
}

func parseSMTP(h *Hint, c *Conn, in Input) Verdict { return smtpReplies.parse(h, c, in) }

func isSMTPGreeting(text []byte, _ textLines) bool { return containsFold(text, "SMTP") }

func printSMTPGreeting(h *Hint, r reply) {
	h.Role = Response
	h.Str(keyBanner, r.text)
	h.Extra()
}

var smtpVerbs = words{"EHLO", "HELO", "LHLO", "MAIL", "RCPT", "DATA", "BDAT", "RSET", "NOOP", "QUIT", "HELP", "VRFY", "EXPN",
	"AUTH", "STARTTLS", "ETRN", "XCLIENT", "XFORWARD"}

// parseSMTPCommands reads commands up to the one that begins a message, or another protocol. There may be other lines between
// them, such as responses to a challenge.
func parseSMTPCommands(h *Hint, c *Conn, in Input) Verdict {
	mode := &c.Mode[in.Side&1]
	s := smtpSession{certain: *mode != lineNothing || c.Mode[1^in.Side&1] != lineNothing}
	l := textLines{in.Data}
	for !s.over {
		here := l
		line, v := l.text()
		switch {
		case v == Reject, v == More && !s.certain && !smtpVerbs.may(l.rest):
			return Reject
		case v == More && !in.Final:
			return More
		case v == More:
			s.over = true
		case !s.command(line, here) && !s.certain:
			return Reject
		}
	}
	if !s.certain {
		return Reject
	}
	h.Role, h.Next, *mode = Request, Stop, lineDone
	if s.starttls {
		h.Next, *mode = l.end(in.Data), lineStartTLS
	}
	s.print(h)
	if len(h.Fields) == 0 {
		h.Role = Framing
	}
	return Done
}

// smtpSession is the commands of a client up to its first message.
type smtpSession struct {
	helo, from []byte
	rcpts      textLines // from the first recipient on
	certain    bool      // no other protocol has such commands
	starttls   bool
	password   bool // the client sends its password
	over       bool
}

// command adds a line, which is at the front of here. It is false if the line is no command.
func (s *smtpSession) command(line []byte, here textLines) bool {
	verb, arg := smtpVerbs.first(line)
	switch verb {
	case "EHLO", "HELO", "LHLO":
		s.certain, s.helo = true, firstWord(arg)
	case "MAIL":
		if path, ok := smtpPath(arg, "FROM:"); ok {
			s.certain, s.from = true, path
		}
	case "RCPT":
		if s.rcpts.rest == nil {
			s.rcpts = here
		}
	case "AUTH":
		s.password = isPlainMechanism(firstWord(arg))
	case "STARTTLS":
		s.over, s.starttls = true, s.certain
	case "DATA", "BDAT", "QUIT":
		s.over = true
	}
	return verb != ""
}

// smtpPath returns the path after FROM: or TO:, with its brackets and without parameters.
func smtpPath(arg []byte, keyword string) ([]byte, bool) {
	if len(arg) < len(keyword) || !equalFold(keyword, arg[:len(keyword)]) {
		return nil, false
	}
	return firstWord(bytes.TrimLeft(arg[len(keyword):], " ")), true
}

func (s *smtpSession) print(h *Hint) {
	h.Credentials = s.password
	printText(h, keyHelo, s.helo)
	printText(h, keyMailFrom, s.from)
	list := h.openList(keyRcptTo)
	for {
		line, v := s.rcpts.text()
		if v != Done {
			break
		}
		if verb, arg := smtpVerbs.first(line); verb == "RCPT" {
			if path, ok := smtpPath(arg, "TO:"); ok {
				h.Str(element, path)
			}
		}
	}
	h.closeList(list)
	if s.starttls {
		h.True(keyStarttls)
		h.Extra()
	}
}

// Keys of the fields.
var (
	keyBanner   = KeyOf("banner")
	keyHelo     = KeyOf("helo")
	keyMailFrom = KeyOf("mail_from")
	keyRcptTo   = KeyOf("rcpt_to")
	keyStarttls = KeyOf("starttls")
)
