package l7

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// Each of these is a message of another protocol, or has one value that the protocol does not allow.
func TestLooseProtocolsReject(t *testing.T) {
	for _, tc := range []struct {
		proto Proto
		data  string
	}{
		{Redis, "HELLO 2.4 2016-04-21\r\n"},                 // Ookla's speed test
		{Redis, "INFO {\"server_id\":\"x\"}\r\n"},           // NATS
		{Redis, "*2\r\n$3\r\nfoo\r\n"},                      // an array that is no command
		{Redis, "*1\r\n$3\r\nPING\r\n"},                     // a length that is wrong
		{Redis, "+OK\r\n"},                                  // POP3
		{Memcached, "\x80\x02\x00\x01\x00\x00\x00\x00\x00"}, // add without flags and expiry, cut off
		{Memcached, "\x80\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01"},
		{Memcached, "\x81\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"},
		{Memcached, "get\r\n"},
		{Memcached, "set k 0 zero 5\r\n"},
		{Memcached, "GET k\r\n"}, // HTTP 0.9
		{Memcached, "delete k now\r\n"},
		{Syslog, "<192>Nov 22 02:30:06 h a: b"},
		{Syslog, "<013>Nov 22 02:30:06 h a: b"},
		{Syslog, "<13>Now 22 02:30:06 h a: b"},
		{Syslog, "<13>Nov 22 02-30-06 h a: b"},
		{Syslog, "<13>1 yesterday h a - - -"},
		{Syslog, "<iq type='get'/>"},
		{SOCKS, "\x05\x00\x00\x03\x10\x00\x00\x00"},           // DCE/RPC
		{SOCKS, "\x05\x01\x00\x05\x01\x00\x03\x02a/\x00P"},    // a target that is no host
		{SOCKS, "\x04\x01\x00\x2b\x00\x00\x01\x00\x00"},       // TDS
		{SOCKS, "\x04\x01\x00P\x00\x00\x00\x01\x00a\xff\x00"}, // a target that is no host
		{SIP, "OPTIONS sip:a SIP/3.0\r\n\r\n"},
		{SIP, "SIP/2.0 OK\r\n\r\n"},
		{RTSP, "OPTIONS * HTTP/1.1\r\n\r\n"},
		{XMPP, "<stream:stream to='a'>"},
		{IMAP, "* 3 EXISTS\r\n"},
		{IMAP, "GET LIST HTTP/1.1\r\n"},
	} {
		in := Input{Data: []byte(tc.data), Final: true}
		assert.Equal(t, Reject, Table[tc.proto].Stream(new(Hint), new(Conn), in), "%s: %q", tc.proto, tc.data)
	}
}

// Forms of messages that the recordings lack.
func TestLooseProtocolsRead(t *testing.T) {
	for _, tc := range []struct {
		proto Proto
		data  string
		key   string
		want  string
	}{
		{Redis, "*2\r\n$9\r\nFT.SEARCH\r\n", "command", "FT.SEARCH"},
		{Redis, "-DENIED Redis is running in protected mode\r\n", "message", "DENIED Redis is running in protected mode"},
		{Memcached, "set k 0 0 5 noreply\r\nhello\r\n", "key", "k"},
		{Memcached, "\x80\x0a" + strings.Repeat("\x00", 22), "command", "noop"},
		{Syslog, "<13>Nov  2 02:30:06 app[17]: b", "app_name", "app"},
		{Syslog, "<165>1 - - su - - - b", "app_name", "su"},
		{Syslog, "<165>1 2003-10-11T22:14:15.003Z host.example.com - - - -", "hostname", "host.example.com"},
		{SIP, "INVITE sip:a SIP/2.0\r\nf: A <sip:x@y>;tag=1\r\nl: 0\r\n\r\n", "from", "sip:x@y"},
		{SIP, "SIP/2.0 200\r\nServer: s\r\n\r\n", "user_agent", "s"},
		{RTSP, "DESCRIBE rtsp://h/a b RTSP/1.0\r\nUser-Agent: VLC\r\n\r\n", "url", "rtsp://h/a b"},
		{XMPP, "<?xml version=\"1.0\"?>\n<stream:stream to=\"a\" xmlns:stream=\"http://etherx.jabber.org/streams\">", "to", "a"},
		{SOCKS, "\x04\x02\x00P\x01\x02\x03\x04anne\x00", "user", "anne"},
	} {
		var h Hint
		in := Input{Data: []byte(tc.data), Final: true}
		assert.Equal(t, Done, Table[tc.proto].Stream(&h, new(Conn), in), "%s: %q", tc.proto, tc.data)
		assert.Equal(t, tc.want, fieldText(&h, tc.key), "%s: %q", tc.proto, tc.data)
	}
}
