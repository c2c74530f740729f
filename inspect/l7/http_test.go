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
			object = f.Key.String() + "."
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
		{"all fields", crlf("POST / HTTP/1.0", "Referer: http://a/", "X-Forwarded-For: ::1, ::2", "User-Agent: u", "Host: h:80"),
			"hostname=h http_port=80 url=/ http_user_agent=u xff=::1, ::2 http_refer=http://a/ http_method=POST protocol=HTTP/1.0"},
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
		{"CONNECT with a path", crlf("CONNECT a.example:25 / HTTP/1.0"),
			"hostname=a.example http_port=25 url=a.example:25 / http_method=CONNECT protocol=HTTP/1.0"},
		{"CONNECT without authority", crlf("CONNECT / HTTP/1.1", "Host: a"),
			"hostname=a url=/ http_method=CONNECT protocol=HTTP/1.1"},
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

func TestHTTPName(t *testing.T) {
	h, _ := parsed(t, crlf("GET / HTTP/1.1", "Host: WWW.Example.com:8080"))
	assert.Equal(t, "WWW.Example.com", string(h.Name))
	assert.Equal(t, HTTPHost, h.NameSource)

	h, _ = parsed(t, crlf("GET / HTTP/1.1", "Host:"))
	assert.Empty(t, h.Name)
	assert.Equal(t, NoName, h.NameSource)
}

func TestHTTPResponseFields(t *testing.T) {
	for _, tc := range []struct{ name, data, want string }{
		{"usual", crlf("HTTP/1.1 200 OK", "Content-Type: text/html; charset=utf-8", "Content-Length: 5"),
			"http_content_type=text/html status=200 length=5"},
		{"redirect", crlf("HTTP/1.1 301 Moved Permanently", "Location: https://a/", "Content-Length: 0"),
			"status=301 redirect=https://a/ length=0"},
		{"no reason phrase", crlf("HTTP/1.0 404", "Connection: close"),
			"status=404"},
		{"range", crlf("HTTP/1.1 206 Partial Content", "Content-Range: bytes 0-499/1234", "Content-Length: 500"),
			"content_range.raw=bytes 0-499/1234 content_range.start=0 content_range.end=499 content_range.size=1234 status=206 length=500"},
		{"range of unknown size", crlf("HTTP/1.1 206 Partial Content", "Content-Range: bytes 5-9/*", "Content-Length: 5"),
			"content_range.raw=bytes 5-9/* content_range.start=5 content_range.end=9 status=206 length=5"},
		{"range that cannot be had", crlf("HTTP/1.1 416 Range Not Satisfiable", "Content-Range: bytes */9", "Content-Length: 0"),
			"content_range.raw=bytes */9 content_range.size=9 status=416 length=0"},
		{"range that is none", crlf("HTTP/1.1 206 OK", "Content-Range: lines", "Content-Length: 0"),
			"content_range.raw=lines status=206 length=0"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h, _ := parsed(t, tc.data)
			assert.Equal(t, Response, h.Role)
			assert.Equal(t, tc.want, plain(h))
		})
	}
}

// parsed reads a message on side 0 of a new connection.
func parsed(t *testing.T, data string) (*Hint, Conn) {
	t.Helper()
	var h Hint
	var c Conn
	require.Equal(t, Done, parseHTTP(&h, &c, Input{Data: []byte(data)}))
	return &h, c
}

func TestHTTPRejects(t *testing.T) {
	for _, tc := range []struct{ name, data string }{
		{"HTTP/0.9", "GET /\r\n"},
		{"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
		{"RTSP", "DESCRIBE rtsp://h/s RTSP/1.0\r\n"},
		{"SIP", "OPTIONS sip:a@b SIP/2.0\r\n"},
		{"SIP response", "SIP/2.0 200 OK\r\n"},
		{"ICAP", "REQMOD icap://h/s ICAP/1.0\r\n"},
		{"ICY", "ICY 200 OK\r\n"},
		{"TLS", "\x16\x03\x01\x02\x00"},
		{"SSH", "SSH-2.0-OpenSSH_9.6\r\n"},
		{"SMTP", "220 mail.example.com ESMTP\r\n"},
		{"FTP", "USER anonymous\r\n"},
		{"no space before the version", "GET /HTTP/1.1\r\n"},
		{"version alone", "BREW HTTP/1.1\r\n"},
		{"a control byte", "GET /\x00"},
		{"CR without LF", "GET / HTTP/1.1\rH"},
		{"method too long", strings.Repeat("A", httpMaxMethod+1)},
		{"no method", " / HTTP/1.1\r\n"},
		{"HTTP/2 status line", "HTTP/2"},
		{"two digits", "HTTP/1.1 20\r"},
		{"four digits", "HTTP/1.1 2000 OK\r\n"},
		{"status below 100", "HTTP/1.1 099 OK\r\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var h Hint
			var c Conn
			assert.Equal(t, Reject, parseHTTP(&h, &c, Input{Data: []byte(tc.data)}))
			assert.False(t, beginsHTTP([]byte(tc.data)))
		})
	}
}

func TestHTTPBegins(t *testing.T) {
	for data, want := range map[string]bool{
		"GET / HTTP/1.1\r\nHost":        true,
		"POST /a/very/long/path/that/g": true,
		"HTTP/1.1 200":                  true,
		"HTTP/1.1 20":                   false,
		"GET":                           false,
		"BREW / HTTP/1.1\r\n":           false,
		"GET / RTSP/1.0\r\n":            false,
		"":                              false,
	} {
		assert.Equal(t, want, beginsHTTP([]byte(data)), "%q", data)
	}
}

// A header section that was cut is reported with what is there, up to the last whole line.
func TestHTTPFinal(t *testing.T) {
	for _, tc := range []struct {
		name, data string
		want       Verdict
		fields     string
	}{
		{"within the start line", "GET / HTTP/1.1", Reject, ""},
		{"behind the start line", "GET / HTTP/1.1\r\n", Done, "url=/ http_method=GET protocol=HTTP/1.1"},
		{"within Host", "GET / HTTP/1.1\r\nUser-Agent: u\r\nHost: exam", Done, "url=/ http_user_agent=u http_method=GET protocol=HTTP/1.1"},
		{"behind Host", "GET / HTTP/1.1\r\nHost: h\r\nUser-Ag", Done, "hostname=h url=/ http_method=GET protocol=HTTP/1.1"},
		{"response", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n", Done, "status=200 length=5"},
		{"nothing", "", Reject, ""},
		{"empty lines", "\r\n", Reject, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var h Hint
			var c Conn
			require.Equal(t, More, parseHTTP(&h, &c, Input{Data: []byte(tc.data)}))
			require.Equal(t, tc.want, parseHTTP(&h, &c, Input{Data: []byte(tc.data), Final: true}))
			assert.Equal(t, tc.fields, plain(&h))
			if tc.want == Done {
				assert.Equal(t, Unknown, h.Next)
			}
		})
	}
}

func TestHTTPFinalUpgrade(t *testing.T) {
	const data = "HTTP/1.1 101 x\r\n"
	var h Hint
	var c Conn
	require.Equal(t, Done, parseHTTP(&h, &c, Input{Data: []byte(data + "Upgr"), Side: 1, Final: true}))
	assert.True(t, h.Switch)
	assert.Equal(t, len(data), h.Next)
}

// No prefix of a message is taken for the whole, nor for something else.
func TestHTTPPrefixes(t *testing.T) {
	for _, data := range []string{
		"\r\n\r\n" + crlf("GET / HTTP/1.1", "Host: h", "User-Agent: a", " b"),
		"HTTP/1.1 200 OK\nContent-Length: 5\n\n",
		crlf("OPTIONS * HTTP/1.0"),
	} {
		for n := range len(data) {
			var h Hint
			var c Conn
			require.Equal(t, More, parseHTTP(&h, &c, Input{Data: []byte(data[:n])}), "%q", data[:n])
		}
		h, _ := parsed(t, data+"more")
		assert.NotEqual(t, Framing, h.Role)
	}
}

func TestHTTPAllocatesNothing(t *testing.T) {
	assert.Zero(t, testing.AllocsPerRun(100, readHTTPExchange(t)))
}

func BenchmarkHTTPExchange(b *testing.B) {
	read := readHTTPExchange(b)
	b.ReportAllocs()
	for b.Loop() {
		read()
	}
}

// readHTTPExchange returns a function that reads a request and its response.
func readHTTPExchange(t testing.TB) func() {
	request := []byte(crlf("GET / HTTP/1.1", "Host: example.com", "User-Agent: folded", " twice", "Accept: */*", "Accept-Language: en",
		"Cookie: a=b; c=d", "Connection: keep-alive, close"))
	response := []byte(crlf("HTTP/1.1 206 OK", "Server: s", "Transfer-Encoding: gzip, chunked", "Content-Range: bytes 0-1/2"))
	var h Hint
	return func() {
		var c Conn
		for side, data := range [][]byte{request, response} {
			h.Reset()
			if parseHTTP(&h, &c, Input{Data: data, Side: uint8(side)}) != Done {
				t.Fatal("not parsed")
			}
		}
	}
}
