package l7

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestHTTPExpect: a body that the client announced comes with or without the server's consent, or not at all, and in all cases the
// next requests are found, however the segments are cut.
func TestHTTPExpect(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var c Conn
		client, server := httpReader{side: 0, conn: &c}, httpReader{side: 1, conn: &c}
		body, framing := "", ""
		if rapid.Bool().Draw(t, "chunked") {
			body, framing = "5;x=y\r\nhello\r\n0\r\nX: y\r\n\r\n", "Transfer-Encoding: chunked"
		} else {
			body = rapid.SampledFrom([]string{"hello", "{\"a\":1}", "--boundary\r\n\r\nx", "GETTING on\r\n", strings.Repeat("\x00\xff", 3000)}).Draw(t, "body")
			framing = fmt.Sprintf("Content-Length: %d", len(body))
		}
		send := func(r *httpReader, text string) {
			for len(text) > 0 {
				n := rapid.IntRange(1, len(text)).Draw(t, "segment")
				r.arrive(t, []byte(text[:n]))
				text = text[n:]
			}
		}
		send(&client, crlf("POST /up HTTP/1.1", "Host: h", framing, "Expect: 100-continue"))
		switch rapid.IntRange(0, 3).Draw(t, "course") {
		case 0: // consent
			send(&server, crlf("HTTP/1.1 100 Continue"))
			send(&client, body)
			send(&server, crlf("HTTP/1.1 201 Created", "Content-Length: 0"))
		case 1: // the client does not wait
			send(&client, body)
			send(&server, crlf("HTTP/1.1 201 Created", "Content-Length: 0"))
		case 2: // nor does it after a refusal
			send(&server, crlf("HTTP/1.1 413 Content Too Large", "Content-Length: 0"))
			send(&client, body)
		case 3:
			send(&server, crlf(fmt.Sprintf("HTTP/1.1 %d No", rapid.SampledFrom([]int{401, 413, 417}).Draw(t, "status")), "Content-Length: 0"))
		}
		for _, path := range []string{"/2", "/3"} {
			send(&client, crlf("GET "+path+" HTTP/1.1", "Host: h"))
			send(&server, crlf("HTTP/1.1 200 OK", "Content-Length: 0"))
		}
		var urls []string
		for _, m := range client.found {
			_, url, _ := strings.Cut(m, "url=")
			url, _, _ = strings.Cut(url, " ")
			urls = append(urls, url)
		}
		require.Equal(t, []string{"/up", "/2", "/3"}, urls)
	})
}

// TestHTTPICY: a SHOUTcast server answers a request in a form of its own. Its stream has no end.
func TestHTTPICY(t *testing.T) {
	var h Hint
	var c Conn
	require.Equal(t, Done, parseHTTP(&h, &c, Input{Data: []byte(crlf("GET /radio HTTP/1.0", "Icy-MetaData: 1"))}))
	h.Reset()
	answer := crlf("ICY 200 OK", "icy-name: radio", "content-type: audio/mpeg")
	require.Equal(t, More, parseHTTP(&h, &c, Input{Side: 1, Data: []byte(answer[:9])}))
	require.Equal(t, Done, parseHTTP(&h, &c, Input{Side: 1, Data: []byte(answer + "\xff\xfb")}))
	require.Equal(t, Response, h.Role)
	require.Equal(t, Stop, h.Next)
	require.Contains(t, hintText(&h), "status 200")
}
