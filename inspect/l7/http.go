package l7

import "bytes"

// HTTP/1.x (RFC 9112). A request and its response make one event. A parser call reads a complete header section. It computes
// the start of the next message from the rules for message bodies, and does not look at bodies. In a chunked body each chunk's
// size line, and each line of the trailer section, is a message of its own with the role Framing.
//
// Conn.Mode is what comes next on each side. Bits and Len are the queue of requests without response, since the length of a
// response's body depends on the request's method. Left is the length of a body that the server may refuse.
//
// After CONNECT and Upgrade the connection continues in another protocol.
//
// After a loss the caller resynchronizes with beginsHTTP, and sets Mode of that side to 0, which expects a start line. The
// queue may be out of step with the requests then: a response to HEAD is taken to have a body, or the other way round, and the
// caller resynchronizes again.

// Values of Conn.Mode.
const (
	httpHeader      uint8 = iota // a start line
	httpChunk                    // a chunk's size line
	httpTrailer                  // a line of the trailer section, or the empty line behind it
	httpExpect                   // a body of Left bytes, or the next request if the server refused the body
	httpExpectChunk              // the same with a chunked body
	httpContinue                 // a body of Left bytes, for which the server asked
)

func parseHTTP(h *Hint, c *Conn, in Input) Verdict {
	switch c.Mode[in.Side] {
	case httpChunk, httpTrailer:
		return parseHTTPBodyLine(h, c, in)
	case httpExpect, httpExpectChunk, httpContinue:
		return parseHTTPExpected(h, c, in)
	default:
		return parseHTTPMessage(h, c, in)
	}
}

// beginsHTTP requires a known method: in the middle of a body a stray match is likelier than at the start of a connection.
func beginsHTTP(b []byte) bool {
	var s httpStart
	lines := textLines{b}
	if s.read(&lines) == Reject {
		return false
	}
	if fits(b, "HTTP/") {
		return len(b) >= len(httpStatusLine)
	}
	method, _, ok := bytes.Cut(b, []byte(" "))
	return ok && httpKnownMethod(method)
}

// parseHTTPMessage reads a start line and a header section. With in.Final it reads a section without end, if the start line is
// complete.
func parseHTTPMessage(h *Hint, c *Conn, in Input) Verdict {
	section := trimNewlines(in.Data) // RFC 9112 section 2.2
	lines := textLines{section}
	var m httpMessage
	m.start.icy = c.Len > 0
	if v := m.start.read(&lines); v == More && in.Final {
		return Reject
	} else if v != Done {
		return v
	}
	if !in.Final && !hasBlankLine(section) {
		return More
	}
	whole := m.fields.read(h, &lines)
	end := len(in.Data) - len(lines.rest)
	if m.start.status == 0 {
		m.request(h, c, in, end)
	} else {
		m.response(h, c, in.Side, end)
	}
	if !whole && !h.Switch {
		h.Next, c.Mode[in.Side] = Unknown, httpHeader
	}
	return Done
}

// Keys of the fields.
var (
	keyContentRange = KeyOf("content_range")
	keyEnd          = KeyOf("end")
	keyProtocol     = KeyOf("protocol")
	keySize         = KeyOf("size")
	keyStart        = KeyOf("start")
)
