package l7

import (
	"bytes"
	"math"
)

// The queue of requests without response has two bits for each.
const (
	httpOther   = 0
	httpHEAD    = 1
	httpCONNECT = 2
	httpNotice  = 3 // its response is no event either

	httpQueue = 32 // entries; further requests are counted, and count as httpOther
)

// httpPush adds a request to the queue and returns its kind.
func httpPush(c *Conn, method []byte) uint64 {
	kind := uint64(httpOther)
	switch string(method) {
	case "HEAD":
		kind = httpHEAD
	case "CONNECT":
		kind = httpCONNECT
	case "NOTIFY", "SUBSCRIBE", "UNSUBSCRIBE":
		kind = httpNotice
	}
	if c.Len < httpQueue {
		c.Bits |= kind << (2 * c.Len)
	}
	if c.Len < math.MaxUint8 {
		c.Len++
	}
	return kind
}

// httpPop removes the oldest request from the queue and returns its kind; httpOther if the request was not seen.
func httpPop(c *Conn) uint64 {
	kind := c.Bits & 3
	c.Bits >>= 2
	if c.Len > 0 {
		c.Len--
	}
	return kind
}

// requestBody sets Next and Mode from the length of a request's body (RFC 9112 section 6.3). With an invalid Content-Length, or several
// that differ, servers and proxies disagree on where the next request starts, so the caller looks for a segment that begins like one.
// A body that the client announced with Expect comes only if the server wants it.
// Behind a negative length no body is possible, so what begins like a request there is one.
func (m *httpMessage) requestBody(h *Hint, c *Conn, in Input, end int) {
	f, side := &m.fields, in.Side
	switch {
	case f.chunked && f.expect:
		h.Next, c.Mode[side] = end, httpExpectChunk
	case f.chunked:
		h.Next, c.Mode[side] = end, httpChunk
	case f.length == httpNegative && !f.coded && httpRequestVerdict(in.Data[end:]) == Done:
		h.Next = end
	case f.coded, f.length < httpNoLength:
		h.Next = Unknown
	case f.length == httpNoLength:
		h.Next = end
	case f.expect && f.length > 0 && f.length <= math.MaxUint32:
		h.Next, c.Mode[side], c.Left[side] = end, httpExpect, uint32(f.length)
	default:
		h.Next = offsetAfter(end, f.length)
	}
}

// parseHTTPExpected reads what follows a request whose body the server may have refused (RFC 9110 section 10.1.1): the body, or the next
// request. The client may send the body without waiting. What begins like a request with a known method is one, unless the server has
// asked for the body.
func parseHTTPExpected(h *Hint, c *Conn, in Input) Verdict {
	side := in.Side & 1
	mode := c.Mode[side]
	if mode == httpExpect || mode == httpExpectChunk {
		switch v := httpRequestVerdict(in.Data); {
		case v == More && !in.Final:
			return More
		case v == Done:
			c.Mode[side], c.Left[side] = httpHeader, 0
			return parseHTTPMessage(h, c, in)
		}
	}
	left := c.Left[side]
	c.Mode[side], c.Left[side] = httpHeader, 0
	if mode == httpExpectChunk {
		c.Mode[side] = httpChunk
		return parseHTTPBodyLine(h, c, in)
	}
	h.Next = int(left)
	return Done
}

// httpRequestVerdict returns Done if b begins with the request line of a known method, and More if it can become one.
func httpRequestVerdict(b []byte) Verdict {
	var s httpStart
	lines := textLines{b}
	v := s.readRequest(&lines)
	method, _, ok := bytes.Cut(b, []byte(" "))
	if ok && !httpKnownMethod(method) {
		return Reject
	}
	return v
}

// continueBody notes that the server asked for the body of the other side's request.
func continueBody(c *Conn, side uint8) {
	switch mode := &c.Mode[side]; *mode {
	case httpExpect:
		*mode = httpContinue
	case httpExpectChunk:
		*mode = httpChunk
	}
}

// responseBody sets Next and Mode from the length of the body of a response to a kind of request. It returns this length, which
// is negative if the header section does not have it.
func (m *httpMessage) responseBody(h *Hint, c *Conn, side uint8, end int, asked uint64) int64 {
	f, status := &m.fields, m.start.status
	switch {
	case status == 101 || asked == httpCONNECT && status < 300:
		h.Next, h.Switch = end, true
		return 0
	case asked == httpHEAD || status == 204 || status == 304:
		h.Next = end
		return 0
	case f.chunked:
		h.Next, c.Mode[side] = end, httpChunk
		return httpNoLength
	case f.coded || f.length == httpNoLength:
		h.Next = m.untilClose()
		return httpNoLength
	}
	h.Next = offsetAfter(end, f.length)
	return f.length
}

// untilClose returns Next for a body that ends with the connection. If the server did not announce that it closes the connection,
// the response may be one to a HEAD that was not seen.
func (m *httpMessage) untilClose() int {
	old := string(m.start.version) == "HTTP/1.0" || string(m.start.version) == "ICY"
	if m.fields.close || old && !m.fields.keepAlive {
		return Stop
	}
	return Unknown
}

// httpMaxBodyLine bounds a chunk's size line and a line of the trailer section. A longer line means that the place is lost.
const httpMaxBodyLine = 4 << 10

// parseHTTPBodyLine reads one line between the chunks of a body (RFC 9112 section 7.1). If there is none the place is lost.
func parseHTTPBodyLine(h *Hint, c *Conn, in Input) Verdict {
	front := in.Data[:min(len(in.Data), httpMaxBodyLine)]
	lines := textLines{front}
	line, ok := lines.next()
	if !ok && !in.Final && len(front) < httpMaxBodyLine {
		return More
	}
	mode := &c.Mode[in.Side]
	end := len(front) - len(lines.rest)
	switch {
	case !ok:
		h.Next, *mode = Unknown, httpHeader
	case *mode == httpChunk:
		h.Next, *mode = httpChunkEnd(line, end)
	case len(line) == 0:
		h.Next, *mode = end, httpHeader
	default:
		h.Next = end
	}
	return Done
}

// httpChunkEnd returns the start and the kind of the line after a chunk, from the chunk's size line, which ends at end.
func httpChunkEnd(line []byte, end int) (next int, mode uint8) {
	digits, _, _ := bytes.Cut(line, []byte(";"))
	size, ok := parseNumber(trimBlanksRight(digits), 16)
	if ok && size == 0 {
		return end, httpTrailer
	}
	if next = offsetAfter(end+len("\r\n"), size); !ok || next == Unknown {
		return Unknown, httpHeader
	}
	return next, httpChunk
}
