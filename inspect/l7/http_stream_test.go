package l7

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// httpExchange is a request and what the server answers, each with its body, and the messages that should be found.
type httpExchange struct {
	request, response []byte
	asked             string
	answered          []string
}

// httpReader reads one direction of a connection as a worker does: it gives growing prefixes, and skips to Next.
type httpReader struct {
	side  uint8
	conn  *Conn
	data  []byte // all that has come
	pos   int    // where the next message starts
	found []string
}

func (r *httpReader) arrive(t require.TestingT, segment []byte) {
	r.data = append(r.data, segment...)
	for r.pos < len(r.data) {
		var h Hint
		front := r.data[r.pos:min(len(r.data), r.pos+Window)]
		v := parseHTTP(&h, r.conn, Input{Data: front, Side: r.side, Final: len(front) == Window})
		if v == More {
			return
		}
		require.Equal(t, Done, v, "at %d: %.60q", r.pos, front)
		require.GreaterOrEqual(t, h.Next, 1)
		if h.Role != Framing {
			r.found = append(r.found, fmt.Sprint(h.Role, " ", plain(&h)))
		}
		r.pos += h.Next
	}
}

// drawHTTPExchange makes an exchange whose bodies hold what looks like HTTP.
func drawHTTPExchange(t *rapid.T, i int) httpExchange {
	var e httpExchange
	path := fmt.Sprintf("/%d", i)
	method := rapid.SampledFrom([]string{"GET", "HEAD", "POST", "BREW"}).Draw(t, "method")
	request := []string{method + " " + path + " HTTP/1.1", "Host: h"}
	if method == "POST" {
		fields, body := drawBody(t)
		e.request = append([]byte(crlf(append(request, fields...)...)), body...)
	} else {
		e.request = []byte(crlf(request...))
	}
	e.asked = fmt.Sprintf("%d hostname=h url=%s http_method=%s protocol=HTTP/1.1", Request, path, method)

	if rapid.Bool().Draw(t, "continue") {
		e.response = []byte(crlf("HTTP/1.1 100 Continue"))
		e.answered = append(e.answered, fmt.Sprint(Interim, " "))
	}
	status := rapid.SampledFrom([]int{200, 204, 304, 404}).Draw(t, "status")
	fields, body := drawBody(t)
	e.response = append(e.response, crlf(append([]string{fmt.Sprintf("HTTP/1.1 %d x", status)}, fields...)...)...)
	fieldsWant := fmt.Sprintf("%d status=%d", Response, status)
	switch length, ok := strings.CutPrefix(fields[0], "Content-Length: "); {
	case method == "HEAD" || status == 204 || status == 304:
		fieldsWant += " length=0"
	case ok:
		e.response = append(e.response, body...)
		fieldsWant += " length=" + length
	default:
		e.response = append(e.response, body...)
	}
	e.answered = append(e.answered, fieldsWant)
	return e
}

// drawBody draws a body and the field that gives its length.
func drawBody(t *rapid.T) (fields []string, body []byte) {
	part := rapid.SampledFrom([]string{
		"GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n", "0\r\n\r\n", "\r\n", "x", "\x00\xff", strings.Repeat("long", 700),
	})
	parts := rapid.SliceOfN(part, 0, 6).Draw(t, "body")
	if rapid.Bool().Draw(t, "length") {
		body = []byte(strings.Join(parts, ""))
		return []string{fmt.Sprintf("Content-Length: %d", len(body))}, body
	}
	for _, p := range parts {
		body = fmt.Appendf(body, "%x;ext=1\r\n%s\r\n", len(p), p)
	}
	body = append(body, "0\r\n"...)
	if rapid.Bool().Draw(t, "trailer") {
		body = append(body, "Trailer: GET / HTTP/1.1\r\n"...)
	}
	return []string{"Transfer-Encoding: chunked"}, append(body, "\r\n"...)
}

// arriveCut gives data in segments that rapid cuts.
func (r *httpReader) arriveCut(t *rapid.T, data []byte) {
	for len(data) > 0 {
		n := rapid.OneOf(rapid.IntRange(1, 3), rapid.IntRange(1, 1460)).Draw(t, "segment")
		n = min(n, len(data))
		r.arrive(t, data[:n])
		data = data[n:]
	}
}

// However a connection is cut into segments, and however many requests are under way at a time, each request and each
// response is found once, in order, and nothing else is.
func TestHTTPExchangesInAnySegments(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var conn Conn
		client, server := httpReader{side: 0, conn: &conn}, httpReader{side: 1, conn: &conn}
		var asked, answered []string
		depth := rapid.IntRange(1, 5).Draw(t, "depth")
		var pending []httpExchange
		answer := func() {
			server.arriveCut(t, pending[0].response)
			answered = append(answered, pending[0].answered...)
			pending = pending[1:]
		}
		for i := range rapid.IntRange(1, 10).Draw(t, "exchanges") {
			e := drawHTTPExchange(t, i)
			client.arriveCut(t, e.request)
			asked = append(asked, e.asked)
			if pending = append(pending, e); len(pending) == depth {
				answer()
			}
		}
		for len(pending) > 0 {
			answer()
		}
		assert.Equal(t, asked, client.found)
		assert.Equal(t, answered, server.found)
		assert.Equal(t, len(client.data), client.pos)
		assert.Equal(t, len(server.data), server.pos)
		assert.Equal(t, Conn{}, conn)
	})
}

func TestHTTPPipelinedInOneSegment(t *testing.T) {
	var conn Conn
	r := httpReader{conn: &conn}
	r.arrive(t, []byte(crlf("GET /1 HTTP/1.1")+crlf("POST /2 HTTP/1.1", "Content-Length: 3")+"abc"+crlf("GET /3 HTTP/1.1")))
	assert.Len(t, r.found, 3)
}

// A body's bytes are skipped whether they come or not: those behind the window are never looked at.
func TestHTTPBodyLargerThanWindow(t *testing.T) {
	var conn Conn
	r := httpReader{conn: &conn}
	body := bytes.Repeat([]byte("GET / HTTP/1.1\r\n\r\n"), Window/8)
	r.arrive(t, []byte(crlf("POST /1 HTTP/1.1", fmt.Sprintf("Content-Length: %d", len(body)))))
	r.arrive(t, body)
	r.arrive(t, []byte(crlf("GET /2 HTTP/1.1")))
	assert.Len(t, r.found, 2)
}

// FuzzHTTP holds the parser to its contract: a verdict on a prefix stands for all that begins with it, More changes
// nothing, Final leaves no More, and Next is an offset, Stop or Unknown.
func FuzzHTTP(f *testing.F) {
	for _, seed := range []string{
		crlf("GET /a HTTP/1.1", "Host: h:80", "User-Agent: u", " v"), crlf("\r\nCONNECT h:443 HTTP/1.1"),
		crlf("POST http://u@h/ HTTP/1.0", "Content-Length: 9223372036854775807", "X-Forwarded-For: a"),
		crlf("HTTP/1.1 206 OK", "Content-Range: bytes 0-1/2", "Transfer-Encoding: chunked", "Content-Type: a;b"),
		crlf("HTTP/1.1 101 x", "Connection: close"), "7fffffffffffffff\r\n", "0\r\n\r\n", "\n\n\nGET / HTTP/1.1\n\n",
	} {
		f.Add([]byte(seed), uint16(len(seed)/2), byte(httpHeader), uint64(httpHEAD), byte(1))
		f.Add([]byte(seed), uint16(len(seed)), byte(httpChunk), uint64(httpCONNECT), byte(255))
	}
	f.Fuzz(func(t *testing.T, data []byte, cut uint16, mode byte, bits uint64, length byte) {
		data = data[:min(len(data), Window)]
		before := Conn{Mode: [2]uint8{mode % (httpTrailer + 1)}, Bits: bits, Len: length}
		part := data[:min(int(cut), len(data))]
		whole, wholeConn, v := fuzzHTTP(t, data, before, false)
		prefix, prefixConn, pv := fuzzHTTP(t, part, before, false)
		if pv != More {
			require.Equal(t, pv, v)
			require.Equal(t, prefixConn, wholeConn)
			require.Equal(t, prefix.Next, whole.Next)
			require.Equal(t, plain(prefix), plain(whole))
		}
		_, _, v = fuzzHTTP(t, data, before, true)
		require.NotEqual(t, More, v)
		beginsHTTP(data)
	})
}

func fuzzHTTP(t *testing.T, data []byte, c Conn, final bool) (*Hint, Conn, Verdict) {
	t.Helper()
	before := c
	var h Hint
	v := parseHTTP(&h, &c, Input{Data: data, Final: final})
	if v != Done {
		require.Equal(t, before, c)
		return &h, c, v
	}
	require.GreaterOrEqual(t, h.Next, Unknown)
	if h.Next == 0 {
		require.Empty(t, data, "a message without bytes")
	}
	return &h, c, v
}
