package l7

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// crlf ends lines as HTTP does, and adds the empty line behind a header section.
func crlf(lines ...string) string { return strings.Join(lines, "\r\n") + "\r\n\r\n" }

// plain prints fields as "key=value", nested ones as "object.key=value".
func plain(h *Hint) string {
	var out []string
	object := ""
	for _, f := range h.Fields {
		switch f.Kind {
		case Object, Array:
			object = f.Key + "."
		case End:
			object = ""
		case String:
			out = append(out, fmt.Sprintf("%s%s=%s", object, f.Key, f.Text))
		case Int, Bool:
			out = append(out, fmt.Sprintf("%s%s=%d", object, f.Key, f.Num))
		}
	}
	return strings.Join(out, " ")
}

func TestHTTPRequestFields(t *testing.T) {
	for _, tc := range []struct{ name, data, want string }{
		{"usual", crlf("GET /a?b=c HTTP/1.1", "Host: www.example.com", "User-Agent: curl/8.5.0", "Accept: */*"),
			"hostname=www.example.com url=/a?b=c http_user_agent=curl/8.5.0 http_method=GET protocol=HTTP/1.1"},
		{"all fields", crlf("POST / HTTP/1.0", "Referer: http://a/", "X-Forwarded-For: 10.0.0.1, 10.0.0.2", "User-Agent: u", "Host: h:8080"),
			"hostname=h http_port=8080 url=/ http_user_agent=u xff=10.0.0.1, 10.0.0.2 http_refer=http://a/ http_method=POST protocol=HTTP/1.0"},
		{"names in any case, spaces around values", crlf("GET / HTTP/1.1", "hOST:\t h  ", "USER-AGENT :u"),
			"hostname=h url=/ http_user_agent=u http_method=GET protocol=HTTP/1.1"},
		{"lines end in LF", "GET / HTTP/1.1\nHost: h\n\n",
			"hostname=h url=/ http_method=GET protocol=HTTP/1.1"},
		{"folded value", crlf("GET / HTTP/1.1", "User-Agent: one", "  two", "\tthree", "Host: h"),
			"hostname=h url=/ http_user_agent=one two three http_method=GET protocol=HTTP/1.1"},
		{"first Host counts", crlf("GET / HTTP/1.1", "Host: a", "Host: b"),
			"hostname=a url=/ http_method=GET protocol=HTTP/1.1"},
		{"no Host", crlf("GET / HTTP/1.0"),
			"url=/ http_method=GET protocol=HTTP/1.0"},
		{"empty Host", crlf("GET / HTTP/1.1", "Host:"),
			"url=/ http_method=GET protocol=HTTP/1.1"},
		{"absolute target goes before Host", crlf("GET http://user@a.example:81/x HTTP/1.1", "Host: b"),
			"hostname=a.example http_port=81 url=http://user@a.example:81/x http_method=GET protocol=HTTP/1.1"},
		{"absolute target without path", crlf("GET http://a.example?x=://y HTTP/1.1"),
			"hostname=a.example url=http://a.example?x=://y http_method=GET protocol=HTTP/1.1"},
		{"a URL in the query is not the target's host", crlf("GET /?u=http://b/ HTTP/1.1", "Host: a"),
			"hostname=a url=/?u=http://b/ http_method=GET protocol=HTTP/1.1"},
		{"CONNECT", crlf("CONNECT a.example:443 HTTP/1.1"),
			"hostname=a.example http_port=443 url=a.example:443 http_method=CONNECT protocol=HTTP/1.1"},
		{"IPv6 with port", crlf("GET / HTTP/1.1", "Host: [::1]:8000"),
			"hostname=[::1] http_port=8000 url=/ http_method=GET protocol=HTTP/1.1"},
		{"IPv6 without brackets", crlf("GET / HTTP/1.1", "Host: fe80::1"),
			"hostname=fe80::1 url=/ http_method=GET protocol=HTTP/1.1"},
		{"port that is none", crlf("GET / HTTP/1.1", "Host: a:b"),
			"hostname=a:b url=/ http_method=GET protocol=HTTP/1.1"},
		{"port too large", crlf("GET / HTTP/1.1", "Host: a:65536"),
			"hostname=a url=/ http_method=GET protocol=HTTP/1.1"},
		{"spaces in the target", crlf("GET /a b  HTTP/1.1 ", "Host: a"),
			"hostname=a url=/a b http_method=GET protocol=HTTP/1.1"},
		{"no target", crlf("GET HTTP/1.1", "Host: a"),
			"hostname=a http_method=GET protocol=HTTP/1.1"},
		{"unknown method", crlf("BREW /pot HTTP/1.1", "Host: a"),
			"hostname=a url=/pot http_method=BREW protocol=HTTP/1.1"},
		{"empty lines before", "\r\n\r\n" + crlf("GET / HTTP/1.1", "Host: a"),
			"hostname=a url=/ http_method=GET protocol=HTTP/1.1"},
		{"lines without colon are passed over", crlf("GET / HTTP/1.1", "junk", "Host: a"),
			"hostname=a url=/ http_method=GET protocol=HTTP/1.1"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var h Hint
			var c Conn
			require.Equal(t, Done, parseHTTP(&h, &c, Input{Data: []byte(tc.data)}))
			assert.Equal(t, Request, h.Role)
			assert.Equal(t, tc.want, plain(&h))
			assert.Equal(t, len(tc.data), h.Next)
		})
	}
}
