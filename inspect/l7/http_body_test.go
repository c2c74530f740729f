package l7

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const behind = -100 // Next is the end of the header section, plus what the case adds

func TestHTTPNextAfterRequest(t *testing.T) {
	for _, tc := range []struct {
		name, fields string
		next, add    int
		mode         uint8
	}{
		{"no body", "", behind, 0, httpHeader},
		{"length", "Content-Length: 10", behind, 10, httpHeader},
		{"length twice the same", "Content-Length: 10\r\nContent-Length: 10", behind, 10, httpHeader},
		{"list of equal lengths", "Content-Length: 10, 10", behind, 10, httpHeader},
		{"different lengths", "Content-Length: 10\r\nContent-Length: 11", Unknown, 0, httpHeader},
		{"list of different lengths", "Content-Length: 10, 11", Unknown, 0, httpHeader},
		{"negative length", "Content-Length: -1", Unknown, 0, httpHeader},
		{"two negative lengths", "Content-Length: -1, -2", Unknown, 0, httpHeader},
		{"length with a sign", "Content-Length: +5", Unknown, 0, httpHeader},
		{"length with a space", "Content-Length: 1 0", Unknown, 0, httpHeader},
		{"hexadecimal length", "Content-Length: 0xa", Unknown, 0, httpHeader},
		{"length past 63 bits", "Content-Length: 9223372036854775808", Unknown, 0, httpHeader},
		{"no coding", "Content-Length: 10\r\nTransfer-Encoding: identity", behind, 10, httpHeader},
		{"unknown coding", "Content-Length: 10\r\nTransfer-Encoding: x", Unknown, 0, httpHeader},
		{"body that the server may refuse", "Content-Length: 10\r\nExpect: 100-Continue", behind, 0, httpExpect},
		{"chunks that the server may refuse", "Transfer-Encoding: chunked\r\nExpect: 100-continue", behind, 0, httpExpectChunk},
		{"nothing to refuse", "Content-Length: 0\r\nExpect: 100-continue", behind, 0, httpHeader},
		{"length beyond all offsets", "Content-Length: 9223372036854775807", Unknown, 0, httpHeader},
		{"chunked", "Transfer-Encoding: chunked", behind, 0, httpChunk},
		{"chunked goes before length", "Content-Length: 5\r\nTransfer-Encoding: Chunked", behind, 0, httpChunk},
		{"two codings", "Transfer-Encoding: gzip, chunked", behind, 0, httpChunk},
		{"two fields", "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked", behind, 0, httpChunk},
		{"chunked is not the last", "Transfer-Encoding: chunked, identity", behind, 0, httpChunk},
		{"other coding", "Transfer-Encoding: gzip", Unknown, 0, httpHeader},
	} {
		t.Run(tc.name, func(t *testing.T) {
			data := "POST / HTTP/1.1\r\n" + tc.fields + "\r\n\r\n"
			if tc.fields == "" {
				data = crlf("POST / HTTP/1.1")
			}
			h, c := parsed(t, data+"body")
			checkNext(t, h, len(data), tc.next, tc.add)
			assert.Equal(t, [2]uint8{tc.mode, httpHeader}, c.Mode)
		})
	}
}

// TestHTTPRequestBehindNegativeLength: no body is possible, so a request behind the header section is one. Behind other lengths that are
// invalid it may be a body.
func TestHTTPRequestBehindNegativeLength(t *testing.T) {
	for fields, known := range map[string]bool{
		"Content-Length: -1": true, "Content-Length: -20": true, "Content-Length: - 1": false, "Content-Length: +18": false,
		"Content-Length: -1\r\nContent-Length: 18": false, "Content-Length: -1\r\nTransfer-Encoding: gzip": false,
	} {
		section := crlf("POST / HTTP/1.1", fields)
		h, _ := parsed(t, section+crlf("GET /next HTTP/1.1", "Host: x"))
		want := Unknown
		if known {
			want = len(section)
		}
		assert.Equal(t, want, h.Next, fields)
	}
}

func checkNext(t *testing.T, h *Hint, end, next, add int) {
	t.Helper()
	if next == behind {
		next = end + add
	}
	assert.Equal(t, next, h.Next)
}

func TestHTTPNextAfterResponse(t *testing.T) {
	for _, tc := range []struct {
		name, method, status, fields string
		next, add                    int
		modes                        [2]uint8
		other                        bool
	}{
		{"length", "GET", "1.1 200", "Content-Length: 10", behind, 10, [2]uint8{}, false},
		{"to HEAD", "HEAD", "1.1 200", "Content-Length: 10", behind, 0, [2]uint8{}, false},
		{"no content", "GET", "1.1 204", "Content-Length: 10", behind, 0, [2]uint8{}, false},
		{"not modified", "GET", "1.1 304", "Transfer-Encoding: chunked", behind, 0, [2]uint8{}, false},
		{"chunked", "GET", "1.1 200", "Transfer-Encoding: chunked", behind, 0, [2]uint8{1: httpChunk}, false},
		{"different lengths", "GET", "1.1 200", "Content-Length: 1, 2", Unknown, 0, [2]uint8{}, false},
		{"length beyond all offsets", "GET", "1.1 200", "Content-Length: 9223372036854775807", Unknown, 0, [2]uint8{}, false},
		{"no length", "GET", "1.1 200", "Connection: keep-alive", Unknown, 0, [2]uint8{}, false},
		{"until close", "GET", "1.1 200", "Connection: foo, Close", Stop, 0, [2]uint8{}, false},
		{"until close by version", "GET", "1.0 200", "Server: s", Stop, 0, [2]uint8{}, false},
		{"kept alive by a field", "GET", "1.0 200", "Connection: Keep-Alive", Unknown, 0, [2]uint8{}, false},
		{"tunnel", "CONNECT", "1.1 200", "Content-Length: 10", behind, 0, [2]uint8{}, true},
		{"tunnel refused", "CONNECT", "1.1 407", "Content-Length: 10", behind, 10, [2]uint8{}, false},
		{"upgrade", "GET", "1.1 101", "Upgrade: websocket", behind, 0, [2]uint8{}, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, c := parsed(t, crlf(tc.method+" a:1 HTTP/1.1"))
			data := crlf("HTTP/"+tc.status+" x", tc.fields)
			var h Hint
			require.Equal(t, Done, parseHTTP(&h, &c, Input{Data: []byte(data), Side: 1}))
			assert.Equal(t, Response, h.Role)
			checkNext(t, &h, len(data), tc.next, tc.add)
			assert.Equal(t, tc.modes, c.Mode)
			assert.Equal(t, tc.other, h.Switch)
			assert.Zero(t, c.Len)
		})
	}
}

func TestHTTPInterimResponseLeavesRequest(t *testing.T) {
	_, c := parsed(t, crlf("HEAD / HTTP/1.1"))
	for _, status := range []string{"100 Continue", "102 Processing", "103 Early Hints"} {
		var h Hint
		data := crlf("HTTP/1.1 " + status)
		require.Equal(t, Done, parseHTTP(&h, &c, Input{Data: []byte(data), Side: 1}))
		assert.Equal(t, Interim, h.Role)
		assert.Equal(t, len(data), h.Next)
		assert.Empty(t, h.Fields)
	}
	assert.EqualValues(t, 1, c.Len)
	assert.EqualValues(t, httpHEAD, httpPop(&c))
}

// The queue keeps the order of its entries, and the count of those for which it has no room.
// TestHTTPNotificationsAreNoEvents: UPnP's event notifications and their responses name the flow and keep the place.
func TestHTTPNotificationsAreNoEvents(t *testing.T) {
	for _, method := range []string{"NOTIFY", "SUBSCRIBE", "UNSUBSCRIBE"} {
		var h Hint
		var c Conn
		require.Equal(t, Done, parseHTTP(&h, &c, Input{Data: []byte(crlf(method+" /e HTTP/1.1", "Host: tv.example"))}))
		require.Equal(t, Interim, h.Role)
		require.Equal(t, "tv.example", string(h.Name))
		h.Reset()
		require.Equal(t, Done, parseHTTP(&h, &c, Input{Side: 1, Data: []byte(crlf("HTTP/1.1 200 OK", "Content-Length: 0"))}))
		require.Equal(t, Interim, h.Role)
		h.Reset()
		require.Equal(t, Done, parseHTTP(&h, &c, Input{Data: []byte(crlf("GET / HTTP/1.1", "Host: tv.example"))}))
		require.Equal(t, Request, h.Role)
	}
}

func TestHTTPQueue(t *testing.T) {
	var c Conn
	for i := range 300 {
		httpPush(&c, []byte([]string{"HEAD", "GET", "CONNECT"}[i%3]))
	}
	assert.EqualValues(t, math.MaxUint8, c.Len)
	for i := range httpQueue {
		assert.Equal(t, []uint64{httpHEAD, httpOther, httpCONNECT}[i%3], httpPop(&c), i)
	}
	assert.EqualValues(t, httpOther, httpPop(&c))
	for range 300 {
		httpPop(&c)
	}
	assert.Equal(t, Conn{}, c)
}

func TestHTTPBodyLines(t *testing.T) {
	for _, tc := range []struct {
		name string
		mode uint8
		data string
		next int
		then uint8
	}{
		{"chunk", httpChunk, "1f\r\nabc", 4 + 0x1f + 2, httpChunk},
		{"extension", httpChunk, "a ;x=y\r\n", 8 + 10 + 2, httpChunk},
		{"LF alone", httpChunk, "A\n", 2 + 10 + 2, httpChunk},
		{"last chunk", httpChunk, "000\r\n", 5, httpTrailer},
		{"trailer", httpTrailer, "Digest: x\r\n", 11, httpTrailer},
		{"end", httpTrailer, "\r\nHTTP", 2, httpHeader},
		{"no size", httpChunk, "\r\n", Unknown, httpHeader},
		{"not a size", httpChunk, "5g\r\n", Unknown, httpHeader},
		{"size past 63 bits", httpChunk, "8000000000000000\r\n", Unknown, httpHeader},
		{"size beyond all offsets", httpChunk, "7fffffffffffffff\r\n", Unknown, httpHeader},
		{"size just beyond all offsets", httpChunk, "7ffffffffffffffd\r\n", Unknown, httpHeader},
		{"line too long", httpChunk, strings.Repeat("0", httpMaxBodyLine), Unknown, httpHeader},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := Conn{Mode: [2]uint8{1: tc.mode}}
			var h Hint
			require.Equal(t, Done, parseHTTP(&h, &c, Input{Data: []byte(tc.data), Side: 1}))
			assert.Equal(t, Framing, h.Role)
			assert.Equal(t, tc.next, h.Next)
			assert.Equal(t, [2]uint8{1: tc.then}, c.Mode)
		})
	}
}

func TestHTTPBodyLineCut(t *testing.T) {
	c := Conn{Mode: [2]uint8{httpChunk, httpHeader}}
	var h Hint
	require.Equal(t, More, parseHTTP(&h, &c, Input{Data: []byte("1f\r")}))
	require.Equal(t, Conn{Mode: [2]uint8{httpChunk, httpHeader}}, c)
	require.Equal(t, Done, parseHTTP(&h, &c, Input{Data: []byte("1f\r"), Final: true}))
	assert.Equal(t, Unknown, h.Next)
	assert.Equal(t, Conn{}, c)
}
