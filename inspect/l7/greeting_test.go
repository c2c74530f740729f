package l7

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// played returns the hints of a protocol's parser for an exchange of lines, each after > or < for its side.
func played(t *testing.T, p Proto, lines ...string) string {
	t.Helper()
	x := recording{path: p.String(), proto: p, stream: true}
	for _, line := range lines {
		x.segs = append(x.segs, segment{side: uint8(strings.IndexByte("><", line[0])), data: []byte(line[1:] + "\r\n")})
	}
	var got strings.Builder
	x.messages(t, func(m message, h *Hint) { printMessage(&got, m.in.Side, h) })
	return got.String()
}

// An ambiguous greeting waits for the client's commands, whichever protocol that is.
func TestAmbiguousGreeting(t *testing.T) {
	const greeting = "<220 mx.example.com ready"
	assert.Equal(t, "> request stop\n  helo \"a\"\n  mail_from \"<b@c>\"\n"+
		"< response\n  +banner \"mx.example.com ready\"\n< framing stop\n",
		played(t, SMTP, greeting, ">HELO a\r\nMAIL FROM: <b@c> SIZE=1\r\nDATA", "<250 ok"))
	assert.Equal(t, "< response\n  completion_code {\"220\"}\n  reply {\"mx.example.com ready\"}\n< framing\n"+
		"> request stop\n  command \"USER\"\n"+
		"  command_data \"a\"\n", played(t, FTP, greeting, ">USER a", "<331 password", ">PASS secret"))
	for _, p := range []Proto{SMTP, FTP} {
		var h Hint
		in := Input{Data: []byte(greeting[1:] + "\r\n")}
		assert.Equal(t, More, Table[p].Stream(&h, &Conn{}, in))
		in.Final = true
		assert.Equal(t, Reject, Table[p].Stream(&h, &Conn{}, in))
	}
}

// USER is a command of FTP and POP3: the server, or another command, decides.
func TestAmbiguousUser(t *testing.T) {
	for _, p := range []Proto{FTP, POP3} {
		var h Hint
		assert.Equal(t, More, Table[p].Stream(&h, &Conn{}, Input{Data: []byte("USER a\r\nPASS b\r\n")}))
		assert.Equal(t, Reject, Table[p].Stream(&h, &Conn{}, Input{Data: []byte("USER a\r\nPASS b\r\n"), Final: true}))
	}
	assert.Contains(t, played(t, FTP, ">USER a\r\nPASS b\r\nSYST"), "command_data \"a\"")
	assert.Contains(t, played(t, POP3, ">USER a\r\nPASS b\r\nUIDL"), "command \"USER\"")
	assert.Contains(t, played(t, POP3, "<+OK ready", ">USER a", "<+OK", ">PASS b"), "args {\"a\"}")
}

// After a server refuses TLS, the parser goes on with the next commands.
func TestTLSRefused(t *testing.T) {
	smtp := played(t, SMTP, "<220 a ESMTP", ">EHLO b", "<250 STARTTLS", ">STARTTLS", "<454 not now", ">MAIL FROM:<b@c>\r\nDATA")
	assert.NotContains(t, smtp, "switch")
	assert.Contains(t, smtp, "mail_from \"<b@c>\"")
	ftp := played(t, FTP, "<220 FTP", ">AUTH TLS", "<502 no", ">USER a")
	assert.NotContains(t, ftp, "switch")
	assert.Contains(t, ftp, "command_data \"a\"")
	pop3 := played(t, POP3, "<+OK POP3", ">STLS", "<-ERR no", ">USER a", "<+OK")
	assert.NotContains(t, pop3, "switch")
	assert.Contains(t, pop3, "args {\"a\"}")
	imap := played(t, IMAP, "<* OK a", ">1 STARTTLS", "<* OK still here", "<1 NO no", ">2 LOGIN \"an ne\" secret")
	assert.NotContains(t, imap, "switch")
	assert.Contains(t, imap, "user \"an ne\"")
}

// TLS begins after the reply to its own command, and not after replies to earlier ones.
func TestTLSAfterItsOwnReply(t *testing.T) {
	pop3 := played(t, POP3, "<+OK POP3", ">CAPA\r\nSTLS", "<+OK\r\nSTLS\r\n.", "<+OK begin")
	assert.Equal(t, 1, strings.Count(pop3, "switch"))
	assert.True(t, strings.HasSuffix(pop3, "< framing\n< framing\n< framing\n< framing switch\n"), pop3)
	imap := played(t, IMAP, "<* OK a", ">a1 CAPABILITY\r\na2 STARTTLS", "<a1 OK", "<a2 OK")
	assert.True(t, strings.HasSuffix(imap, "< framing\n< framing switch\n"), imap)
}

// Passwords are never reported.
func TestNoSecrets(t *testing.T) {
	for p, lines := range map[Proto][]string{
		SMTP: {">EHLO a", "<220 ESMTP", ">AUTH PLAIN c2VjcmV0", ">secret", ">MAIL FROM:<a@b>\r\nDATA"},
		FTP:  {"<220 FTP", ">PASS secret", "<230 in"},
		POP3: {"<+OK POP3", ">AUTH PLAIN secret", "<+OK"},
		IMAP: {"<* OK a", ">1 LOGIN anne secret", "<1 OK"},
	} {
		printed := played(t, p, lines...)
		assert.NotEmpty(t, printed)
		assert.NotContains(t, printed, "secret")
		assert.NotContains(t, printed, "c2VjcmV0")
	}
	assert.NotContains(t, played(t, POP3, "<+OK POP3", ">APOP anne secret"), "secret")
}
