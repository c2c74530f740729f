package l7

// The control connection of FTP (RFC 959). The server's greeting makes an event, and so does the client's first command that is
// more than a query about the server: USER or AUTH.
//
// A greeting can look like that of SMTP, and USER like that of POP3. Ambiguous messages wait for the next commands or replies.
// After AUTH (RFC 4217), TLS follows the reply 234.
//
// Conn.Mode is what was seen of each side; see the constants of reply.go. The other fields of Conn are not used.

// ftpReplies has the parts that differ from SMTP.
var ftpReplies = replyProtocol{
	isGreeting: isFTPGreeting, printGreeting: printFTPGreeting, parseCommands: parseFTPCommands,
	startsTLS: func(code []byte, client uint8) bool { return string(code) == "234" && client == lineStartTLS },
}

func parseFTP(h *Hint, c *Conn, in Input) Verdict { return ftpReplies.parse(h, c, in) }

func printFTPGreeting(h *Hint, r reply) {
	h.Role = Response
	h.Array(keyCompletionCode)
	h.Str(element, r.code)
	h.End()
	h.Array(keyReply)
	h.Str(element, r.text)
	h.End()
}

// isFTPGreeting reports whether a greeting mentions FTP and not SMTP, or whether one of the replies behind it has a code that
// SMTP does not have.
func isFTPGreeting(text []byte, rest textLines) bool {
	return containsFold(text, "FTP") && !containsFold(text, "SMTP") || hasFTPCode(rest)
}

func hasFTPCode(l textLines) bool {
	var r reply
	for r.read(&l) == Done {
		switch string(r.code) {
		case "200", "215", "227", "229", "230", "232", "234", "257", "331", "332":
			return true
		}
	}
	return false
}

// Commands of FTP only, and commands that other protocols have too.
var (
	ftpVerbs = words{"FEAT", "OPTS", "SYST", "CLNT", "TYPE", "PASV", "EPSV", "PORT", "EPRT", "PWD", "XPWD", "CWD", "XCWD",
		"CDUP", "MLSD", "MLST", "NLST", "PBSZ", "PROT", "STOR", "SIZE", "MDTM", "MKD", "RMD", "ADAT", "REIN", "SITE"}
	ftpSharedVerbs = words{"USER", "PASS", "ACCT", "AUTH", "HOST", "LANG", "NOOP", "HELP", "QUIT", "LIST", "RETR", "STAT",
		"DELE", "RNFR", "RNTO", "REST", "APPE", "ABOR", "MODE", "STRU"}
)

// parseFTPCommands reads commands up to the first one that is no query about the server and, as long as they may belong to
// another protocol, up to one that cannot.
func parseFTPCommands(h *Hint, c *Conn, in Input) Verdict {
	mode := &c.Mode[in.Side&1]
	s := ftpSession{certain: *mode != lineNothing || c.Mode[1^in.Side&1] != lineNothing}
	l := textLines{in.Data}
	for s.verb == "" || !s.certain {
		line, v := l.text()
		switch {
		case v == More && !in.Final && s.may(l.rest):
			return More
		case v != Done, !s.command(line, l.end(in.Data)) && !s.certain:
			return Reject
		}
	}
	h.Next, *mode = Stop, lineDone
	if s.tls {
		h.Next, *mode = s.next, lineStartTLS
	}
	s.print(h)
	return Done
}

// ftpSession is a client's first command that is no query about the server.
type ftpSession struct {
	verb    string
	arg     []byte
	next    int  // the offset behind it
	certain bool // no other protocol has such commands
	tls     bool // AUTH asks for TLS
}

// may reports whether an incomplete line can become a command.
func (s *ftpSession) may(b []byte) bool { return s.certain || ftpVerbs.may(b) || ftpSharedVerbs.may(b) }

// command adds a line that ends at end. It is false if the line is no command.
func (s *ftpSession) command(line []byte, end int) bool {
	verb, arg := ftpVerbs.first(line)
	if verb != "" {
		s.certain = true
	} else if verb, arg = ftpSharedVerbs.first(line); verb == "" {
		return false
	}
	switch verb {
	case "FEAT", "OPTS", "SYST", "CLNT", "HOST", "LANG", "NOOP", "HELP":
		return true
	}
	if s.verb == "" {
		s.verb, s.arg, s.next = verb, arg, end
		s.tls = verb == "AUTH" && ftpAsksTLS(arg)
		s.certain = s.certain || s.tls
	}
	return true
}

func ftpAsksTLS(method []byte) bool {
	known, _ := words{"TLS", "SSL", "TLS-C", "TLS-P"}.first(method)
	return known != ""
}

func (s *ftpSession) print(h *Hint) {
	h.Role = Request
	h.Const(keyCommand, s.verb)
	h.Credentials = s.verb == "PASS" || s.verb == "USER" && !equalFold("anonymous", s.arg) && !equalFold("ftp", s.arg)
	if s.verb != "PASS" && s.verb != "ACCT" && s.verb != "ADAT" {
		printText(h, keyCommandData, s.arg)
	}
}

// Keys of the fields.
var (
	keyCommandData    = KeyOf("command_data")
	keyCompletionCode = KeyOf("completion_code")
)
