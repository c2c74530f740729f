package l7

import "bytes"

// Syslog (RFC 5424, RFC 3164), over UDP and over TCP (RFC 6587), where a length may precede each message. The first message
// makes an event, without its text.
//
// Conn is not used.

var (
	syslogFacilities = [...]string{"kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv",
		"ftp", "ntp", "audit", "alert", "clock", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7"}
	syslogSeverities = [...]string{"emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"}
)

const (
	syslogMaxPriority = 191 // 23 * 8 + 7
	syslogMaxHeader   = 512 // bytes up to the application's name; RFC 5424 section 6 allows 48 for that, and 255 for the host
	syslogMaxLength   = 5   // digits of a length
)

func parseSyslog(h *Hint, _ *Conn, in Input) Verdict {
	b := in.Data[:min(len(in.Data), syslogMaxHeader)]
	more := Reject
	if len(b) < syslogMaxHeader {
		more = moreUnless(in.Final)
	}
	if i := bytes.IndexFunc(b, notDigit); i < 0 && len(b) <= syslogMaxLength {
		return more
	} else if i > 0 && i <= syslogMaxLength && b[i] == ' ' && b[0] != '0' {
		b = b[i+1:]
	}
	var m syslogMessage
	priority, v := m.readPriority(&b)
	if v == Done {
		v = m.read(b)
	}
	switch {
	case v == More && !m.stamped:
		return more
	case v == More && more != Reject:
		return More
	case v == Reject:
		return Reject
	}
	h.Role, h.Next = Request, Stop
	h.Const(keyFacility, syslogFacilities[priority/8])
	h.Const(keySeverity, syslogSeverities[priority%8])
	h.Const(keyFormat, m.format)
	printText(h, keyHostname, m.host)
	printText(h, keyAppName, m.app)
	return Done
}

func notDigit(r rune) bool { return r < '0' || r > '9' }

// syslogMessage is a message's header.
type syslogMessage struct {
	format    string
	host, app []byte
	stamped   bool // its time was read, so that the protocol is certain
}

// readPriority reads "<PRI>" from the front of b.
func (m *syslogMessage) readPriority(b *[]byte) (int64, Verdict) {
	if !fits(*b, "<#") {
		return 0, Reject
	}
	digits, rest, whole := bytes.Cut((*b)[min(1, len(*b)):], []byte(">"))
	n, ok := parseNumber(digits, 10)
	switch {
	case len(digits) == 0 && !whole:
		return 0, More
	case !ok, n > syslogMaxPriority, len(digits) > 1 && digits[0] == '0', len(digits) > len("191"):
		return 0, Reject
	case !whole:
		return 0, More
	}
	*b = rest
	return n, Done
}

func (m *syslogMessage) read(b []byte) Verdict {
	if fits(b, "1 ") {
		return m.readIETF(b)
	}
	return m.readBSD(b)
}

// readIETF reads the header of RFC 5424 section 6: version, time, host, application.
func (m *syslogMessage) readIETF(b []byte) Verdict {
	if len(b) < len("1 ") {
		return More
	}
	const form = "####-##-##T##:##:##" // fractions of a second and the zone follow
	stamp, rest, ok := bytes.Cut(b[len("1 "):], []byte(" "))
	none := string(stamp) == "-"
	switch {
	case !none && (!fits(stamp, form) || ok && len(stamp) < len(form)):
		return Reject
	case !ok:
		return More
	}
	m.format, m.stamped = "rfc5424", true
	var whole bool
	m.host, rest, whole = bytes.Cut(rest, []byte(" "))
	if !whole {
		return More
	}
	m.app, _, whole = bytes.Cut(rest, []byte(" "))
	if !whole {
		return More
	}
	m.host, m.app = syslogValue(m.host), syslogValue(m.app)
	return Done
}

// syslogValue returns nil for "-", which means no value, and for bytes that are no text.
func syslogValue(b []byte) []byte {
	if string(b) == "-" || !isText(b) {
		return nil
	}
	return b
}

var syslogMonths = words{"JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"}

// readBSD reads the header of RFC 3164 section 4.1: time, host, tag. Programs that write to the local daemon omit the host.
func (m *syslogMessage) readBSD(b []byte) Verdict {
	const stamp = "Mmm dd hh:mm:ss "
	month := b[:min(len(b), len("Mmm "))]
	switch {
	case !syslogMonths.may(bytes.TrimRight(month, " ")), len(month) == len("Mmm ") && month[3] != ' ':
		return Reject
	case !fits(b[min(len(b), 5):], "# ##:##:## "), len(b) > 4 && b[4] != ' ' && digitValue(b[4]) > 3:
		return Reject
	case len(b) < len(stamp):
		return More
	}
	m.format, m.stamped = "rfc3164", true
	b = b[len(stamp):]
	i := bytes.IndexAny(b, " :[\n")
	if i < 0 {
		return More
	}
	if b[i] == ' ' {
		m.host, b = syslogValue(b[:i]), b[i+1:]
		if i = bytes.IndexAny(b, " :[\n"); i < 0 {
			return More
		}
	}
	if b[i] == ':' || b[i] == '[' {
		m.app = syslogValue(b[:i])
	}
	return Done
}

// Keys of the fields.
var (
	keyAppName  = KeyOf("app_name")
	keyFacility = KeyOf("facility")
	keyFormat   = KeyOf("format")
	keySeverity = KeyOf("severity")
)
