package l7

import "bytes"

// Forms of a start line; # stands for a digit.
const (
	httpVersion    = "HTTP/1.#"
	httpStatusLine = "HTTP/1.# ###"
	httpICYLine    = "ICY ###" // of SHOUTcast servers, for HTTP/1.0
)

// httpMaxMethod bounds the length of a method. The longest registered one has 17 characters.
const httpMaxMethod = 32

// httpStart is a request line or a status line.
type httpStart struct {
	method, target, version []byte
	status                  int  // 0 for a request
	icy                     bool // the line may be one of a SHOUTcast server
}

// read reads the line from the front of l. It returns Reject at the first byte that excludes both kinds of line, except that the
// version of a request line is at its end.
func (s *httpStart) read(l *textLines) Verdict {
	switch {
	case fits(l.rest, "HTTP/"):
		return s.readStatus(l, httpStatusLine)
	case s.icy && fits(l.rest, httpICYLine):
		return s.readStatus(l, httpICYLine)
	}
	return s.readRequest(l)
}

// readStatus reads a status line of a form, whose code is at its end.
func (s *httpStart) readStatus(l *textLines, form string) Verdict {
	if !fits(l.rest, form) {
		return Reject
	}
	line, v := l.text()
	if v == Done && len(line) < len(form) {
		return Reject
	}
	if v != Done {
		return v
	}
	const digits = len("###")
	code, reason := line[len(form)-digits:len(form)], line[len(form):]
	if len(reason) > 0 && reason[0] != ' ' {
		return Reject
	}
	n, _ := parseNumber(code, 10)
	if n < 100 {
		return Reject
	}
	s.version, s.status = line[:len(form)-digits-1], int(n)
	return Done
}

func (s *httpStart) readRequest(l *textLines) Verdict {
	n := 0
	for n < len(l.rest) && httpTokenByte[l.rest[n]] {
		n++
	}
	switch {
	case n > httpMaxMethod:
		return Reject
	case n == len(l.rest):
		return More
	case n == 0 || l.rest[n] != ' ':
		return Reject
	}
	line, v := l.text()
	if v != Done {
		return v
	}
	return s.splitRequest(line, n)
}

// splitRequest takes everything between method and version as the target: browsers encode spaces, attackers do not. A known
// method may have no target.
func (s *httpStart) splitRequest(line []byte, method int) Verdict {
	line = bytes.TrimRight(line, " ")
	v := len(line) - len(httpVersion)
	if v <= method || !fits(line[v:], httpVersion) || line[v-1] != ' ' {
		return Reject
	}
	s.method, s.version = line[:method], line[v:]
	s.target = bytes.Trim(line[method:v], " ")
	if len(s.target) == 0 && !httpKnownMethod(s.method) {
		return Reject
	}
	return Done
}

// httpTokenByte has the bytes that a method may have (RFC 9110 section 5.6.2).
var httpTokenByte = func() (is [256]bool) {
	for _, c := range []byte("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") {
		is[c] = true
	}
	return is
}()

// httpKnownMethod reports whether a method is one of RFC 9110, of WebDAV and its relatives, of UPnP, or of Microsoft's tunnels.
// Other methods are accepted too where nothing else is possible.
func httpKnownMethod(m []byte) bool {
	switch string(m) {
	case "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH",
		"PROPFIND", "PROPPATCH", "MKCOL", "COPY", "MOVE", "LOCK", "UNLOCK", "ACL", "BIND", "UNBIND", "REBIND",
		"SEARCH", "REPORT", "MKCALENDAR", "MKACTIVITY", "MKWORKSPACE", "CHECKIN", "CHECKOUT", "UNCHECKOUT",
		"MERGE", "BASELINE-CONTROL", "VERSION-CONTROL", "LABEL", "UPDATE", "ORDERPATCH", "LINK", "UNLINK",
		"M-SEARCH", "NOTIFY", "SUBSCRIBE", "UNSUBSCRIBE", "PURGE", "QUERY",
		"BITS_POST", "CCM_POST", "RPC_IN_DATA", "RPC_OUT_DATA", "RDG_IN_DATA", "RDG_OUT_DATA", "SSTP_DUPLEX_POST":
		return true
	}
	return false
}
