package l7

import (
	"bytes"

	"github.com/mirrorsink/mirrorsink/decap/wire"
)

// HTTP/2 without TLS (RFC 9113), with prior knowledge or after an upgrade. The first request and its response make one event.
// Later header blocks may depend on all earlier ones (RFC 7541 section 2.2), which are not kept.
//
// All frames up to the first header block are one message. Conn.Mode is whether a client's preface was seen, and Left is the
// number of the stream with the first request.

const http2Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

// http2Greeted is the Mode of a side that sent the preface.
const http2Greeted = 1

// Frame types and flags that matter here; RFC 9113 section 6.
const (
	http2Headers      = 1
	http2Settings     = 4
	http2Continuation = 9

	http2EndHeaders = 0x04
	http2Padded     = 0x08
	http2Priority   = 0x20
)

const (
	http2FrameHeader = 9
	http2Setting     = 6  // bytes of one
	maxHTTP2Settings = 64 // of one frame, until the protocol is certain; the registry has about a dozen
)

func parseHTTP2(h *Hint, c *Conn, in Input) Verdict {
	side := in.Side & 1
	switch {
	case c.Mode[1^side] == http2Greeted:
		return parseHTTP2Frames(h, c, in, 0)
	case http2MayGreet(in.Data):
		return moreUnless(in.Final)
	case !bytes.HasPrefix([]byte(http2Preface), in.Data[:min(len(in.Data), len(http2Preface))]):
		return Reject
	case len(in.Data) < len(http2Preface):
		return moreUnless(in.Final)
	}
	return parseHTTP2Frames(h, c, in, len(http2Preface))
}

// beginsHTTP2 requires a client's preface.
func beginsHTTP2(b []byte) bool { return bytes.HasPrefix(b, []byte(http2Preface)) }

// http2MayGreet reports whether b may be a server's SETTINGS that came before the client's preface. They wait for it.
func http2MayGreet(b []byte) bool {
	header := [http2FrameHeader]byte{3: http2Settings} // the expected header, of which b may be only a part
	n := copy(header[:], b)
	f := wire.New(header[:])
	size, typ, flags, stream := f.U24(), f.U8(), f.U8(), f.U32()
	return typ == http2Settings && flags == 0 && stream == 0 && size <= maxHTTP2Settings*http2Setting &&
		(n < 3 || size%http2Setting == 0)
}

// http2Frame is the header of a frame.
type http2Frame struct {
	size   int
	typ    uint8
	flags  uint8
	stream uint32
}

func readHTTP2Frame(r *wire.Cursor) http2Frame {
	return http2Frame{int(r.U24()), r.U8(), r.U8(), r.U32() & (1<<31 - 1)}
}

// plausible reports whether the frame has a stream exactly if its type requires one.
func (f *http2Frame) plausible() bool {
	switch f.typ {
	case http2Headers:
		return f.stream != 0
	case http2Settings:
		return f.stream == 0 && f.size%http2Setting == 0
	}
	return true
}

// parseHTTP2Frames reads the frames behind the preface, if there is one, up to the first header block. The block is a request
// if its side sent the preface, else a response.
func parseHTTP2Frames(h *Hint, c *Conn, in Input, preface int) Verdict {
	r := wire.New(in.Data)
	r.Skip(preface)
	for r.Len() >= http2FrameHeader {
		f := readHTTP2Frame(&r)
		switch {
		case !f.plausible():
			return Reject
		case r.Len() < f.size && !in.Final:
			return More
		}
		body := r.Upto(f.size)
		if f.typ != http2Headers || !http2Asked(c, in.Side, f.stream) {
			continue
		}
		block, whole := http2Block(body, f.flags), true
		if f.flags&http2EndHeaders == 0 {
			block, whole = h.continueHTTP2Block(block, &r, f.stream)
		}
		if !whole && !in.Final {
			return More
		}
		printHTTP2(h, c, in, preface > 0, f.stream, block, len(in.Data)-r.Len())
		return Done
	}
	if !in.Final {
		return More
	}
	h.Role, h.Next = Interim, Stop // a connection without a request
	return Done
}

// http2Asked reports whether a header block is of interest: on the stream of the first request, or on any stream before it.
func http2Asked(c *Conn, side uint8, stream uint32) bool {
	asked := c.Left[1^side&1]
	return asked == 0 || asked == stream
}

// http2Block returns the fragment of a header block in the body of a HEADERS frame (RFC 9113 section 6.2).
func http2Block(body wire.Cursor, flags uint8) []byte {
	padding := 0
	if flags&http2Padded != 0 {
		padding = int(body.U8())
	}
	if flags&http2Priority != 0 {
		body.Skip(5)
	}
	return body.Bytes(body.Len() - padding)
}

// continueHTTP2Block joins a header block with the CONTINUATION frames that have come so far.
func (h *Hint) continueHTTP2Block(block []byte, r *wire.Cursor, stream uint32) (joined []byte, whole bool) {
	start := len(h.scratch)
	h.scratch = append(h.scratch, block...)
	for !whole && !r.Empty() {
		f := readHTTP2Frame(r)
		if f.typ != http2Continuation || f.stream != stream {
			break
		}
		whole = f.flags&http2EndHeaders != 0 && r.Len() >= f.size
		part := r.Upto(f.size)
		h.scratch = append(h.scratch, part.Rest()...)
	}
	return h.since(start), whole
}

// printHTTP2 fills the hint from a header block whose frames end at end.
func printHTTP2(h *Hint, c *Conn, in Input, client bool, stream uint32, block []byte, end int) {
	var m http2Message
	m.read(h, block)
	h.Next = Stop
	if client {
		c.Mode[in.Side&1], c.Left[in.Side&1] = http2Greeted, stream
		m.request(h, stream)
		return
	}
	status, ok := parseNumber(m[http2Status], 10)
	if ok && status < 200 {
		h.Role, h.Next = Interim, end
		return
	}
	m.response(h, status)
}

// Keys of the fields.
var (
	keyHTTP2    = KeyOf("http2")
	keyStreamID = KeyOf("stream_id")
)
