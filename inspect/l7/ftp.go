package l7

// FTP (RFC 959), its control connection. The server's greeting makes an event, and so does the client's first command that
// is more than a question about the server: USER or AUTH.
//
// A greeting looks like SMTP's, and USER like POP3's. What does not say which of them it is waits for the next commands or
// replies. After AUTH (RFC 4217) the reply 234 is followed by TLS.
//
// What is kept in Conn: Mode says what was seen of each side. The rest is not used.

// Values of Conn.Mode.
const (
	ftpNothing uint8 = iota
	ftpGreeted
	ftpSecuring // the client sent AUTH
	ftpUsing    // the client sent its first command
)

func parseFTP(h *Hint, c *Conn, in Input) Verdict {
	switch {
	case len(in.Data) == 0:
		return moreUnless(in.Final)
	case fits(in.Data, "#"):
		return parseFTPReply(h, c, in)
	case c.Mode[in.Side&1] == ftpSecuring && in.Data[0] < ' ':
		return moreUnless(in.Final) // the client's TLS, ahead of the server's reply
	}
	return parseFTPCommands(h, c, in)
}

func parseFTPReply(h *Hint, c *Conn, in Input) Verdict {
	mode, client := &c.Mode[in.Side&1], c.Mode[1^in.Side&1]
	first := *mode == ftpNothing
	if first && client == ftpNothing && !fits(in.Data, "220") {
		return Reject
	}
	var r reply
	l := textLines{in.Data}
	if v := r.read(&l); v != Done {
		return finalVerdict(v, in.Final)
	}
	h.Next = l.end(in.Data)
	switch {
	case first && client == ftpNothing && !ftpGreeting(in.Data[:h.Next]) && !ftpReplies(l):
		return moreUnless(in.Final)
	case first && string(r.code) == "220":
		printFTPReply(h, &r)
	case string(r.code) == "234" && client == ftpSecuring:
		h.Switch = true
	case client == ftpUsing:
		h.Next = Stop
	}
	*mode = ftpGreeted
	return Done
}

func printFTPReply(h *Hint, r *reply) {
	h.Role = Response
	h.Array(keyCompletionCode)
	h.Str(element, r.code)
	h.End()
	h.Array(keyReply)
	h.Str(element, r.text)
	h.End()
}

func ftpGreeting(text []byte) bool { return containsFold(text, "FTP") && !containsFold(text, "SMTP") }

// ftpReplies reports whether one of the replies is of a kind that SMTP does not have.
func ftpReplies(l textLines) bool {
	var r reply
	for r.read(&l) == Done {
		switch string(r.code) {
		case "200", "215", "227", "229", "230", "232", "234", "257", "331", "332":
			return true
		}
	}
	return false
}

// Commands by what they tell: that it is FTP, or not even that.
var (
	ftpVerbs = words{"FEAT", "OPTS", "SYST", "CLNT", "TYPE", "PASV", "EPSV", "PORT", "EPRT", "PWD", "XPWD", "CWD", "XCWD",
		"CDUP", "MLSD", "MLST", "NLST", "PBSZ", "PROT", "STOR", "SIZE", "MDTM", "MKD", "RMD", "ADAT", "REIN", "SITE"}
	ftpSharedVerbs = words{"USER", "PASS", "ACCT", "AUTH", "HOST", "LANG", "NOOP", "HELP", "QUIT", "LIST", "RETR", "STAT",
		"DELE", "RNFR", "RNTO", "REST", "APPE", "ABOR", "MODE", "STRU"}
)

// parseFTPCommands reads commands up to the first one that is no question about the server, or, while they may be another
// protocol's, up to one that may not.
func parseFTPCommands(h *Hint, c *Conn, in Input) Verdict {
	mode := &c.Mode[in.Side&1]
	s := ftpSession{certain: *mode != ftpNothing || c.Mode[1^in.Side&1] != ftpNothing}
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
	h.Next, *mode = Stop, ftpUsing
	if s.tls {
		h.Next, *mode = s.next, ftpSecuring
	}
	s.print(h)
	return Done
}

// ftpSession is a client's first command that is no question about the server.
type ftpSession struct {
	verb    string
	arg     []byte
	next    int  // where what follows it starts
	certain bool // no other protocol has such commands
	tls     bool // AUTH asks for TLS
}

// may reports whether b, a line whose end has not come, can become a command.
func (s *ftpSession) may(b []byte) bool { return s.certain || ftpVerbs.may(b) || ftpSharedVerbs.may(b) }

// command notes a line and where what follows it starts. It is false if the line is no command.
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
	if s.verb != "PASS" && s.verb != "ACCT" && s.verb != "ADAT" {
		printText(h, keyCommandData, s.arg)
	}
}

// Keys of the fields.
var (
	keyCommandData    = KeyOf("command_data")
	keyCompletionCode = KeyOf("completion_code")
)
