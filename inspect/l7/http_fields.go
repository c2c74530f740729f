package l7

import (
	"bytes"
	"strings"
)

// httpField numbers the header fields that are read.
type httpField uint8

const (
	fieldHost httpField = iota
	fieldUserAgent
	fieldReferer
	fieldForwardedFor
	fieldContentType
	fieldContentRange
	fieldLocation
	fieldContentLength
	fieldTransferEncoding
	fieldConnection
	fieldExpect
	fieldAuthorization
	fieldProxyAuthorization
	httpFieldCount
)

var httpFieldNames = [httpFieldCount]string{
	fieldHost: "host", fieldUserAgent: "user-agent", fieldReferer: "referer", fieldForwardedFor: "x-forwarded-for",
	fieldContentType: "content-type", fieldContentRange: "content-range", fieldLocation: "location",
	fieldContentLength: "content-length", fieldTransferEncoding: "transfer-encoding", fieldConnection: "connection",
	fieldExpect: "expect", fieldAuthorization: "authorization", fieldProxyAuthorization: "proxy-authorization",
}

// Values of httpFields.length besides a length.
const (
	httpNoLength  = -1
	httpBadLength = -2 // not a number, or several that differ
	httpNegative  = -3 // a number below 0
)

// httpFields is the parsed fields of a header section.
type httpFields struct {
	value     [httpFieldCount][]byte // of fields that are texts; the first of several
	length    int64                  // Content-Length
	coded     bool                   // there is a Transfer-Encoding
	chunked   bool                   // it has chunked; whether as the last coding, as required, shows in the first chunk
	close     bool                   // Connection: close
	keepAlive bool                   // Connection: keep-alive
	expect    bool                   // Expect: 100-continue
	basic     bool                   // name and password in base64 (RFC 7617)
}

// read reads the section from the front of l, and reports whether it has an end.
func (f *httpFields) read(h *Hint, l *textLines) (whole bool) {
	f.length = httpNoLength
	for {
		line, ok := l.field()
		if !ok {
			return false
		}
		if len(line) == 0 {
			return true
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		if id, ok := httpFieldID(trimBlanksRight(name)); ok {
			f.add(id, httpUnfold(h, value))
		}
	}
}

func httpFieldID(name []byte) (httpField, bool) {
	for i, n := range httpFieldNames {
		if len(n) == len(name) && n[0] == name[0]|0x20 && strings.EqualFold(n, string(name)) {
			return httpField(i), true
		}
	}
	return 0, false
}

func (f *httpFields) add(id httpField, value []byte) {
	switch id {
	case fieldContentLength:
		httpEach(value, f.addLength)
	case fieldTransferEncoding:
		httpEach(value, f.addCoding)
	case fieldConnection:
		httpEach(value, f.addConnection)
	case fieldExpect:
		f.expect = f.expect || equalFold("100-continue", value)
	case fieldAuthorization, fieldProxyAuthorization:
		f.basic = f.basic || equalFold("basic", firstWord(value))
	default:
		if f.value[id] == nil {
			f.value[id] = value
		}
	}
}

// addLength accepts several equal lengths; different ones are invalid (RFC 9112 section 6.3).
func (f *httpFields) addLength(item []byte) {
	n, ok := parseNumber(item, 10)
	if len(item) > 1 && item[0] == '-' {
		if _, ok = parseNumber(item[1:], 10); ok {
			n = httpNegative
		}
	}
	if !ok || f.length != httpNoLength && f.length != n {
		n = httpBadLength
	}
	f.length = n
}

// addCoding adds a transfer coding. The name of none was once identity.
func (f *httpFields) addCoding(item []byte) {
	if len(item) == 0 || equalFold("identity", item) {
		return
	}
	f.coded, f.chunked = true, f.chunked || strings.EqualFold(string(item), "chunked")
}

func (f *httpFields) addConnection(item []byte) {
	f.close = f.close || strings.EqualFold(string(item), "close")
	f.keepAlive = f.keepAlive || strings.EqualFold(string(item), "keep-alive")
}

// httpEach calls add for each item of a comma-separated list.
func httpEach(list []byte, add func(item []byte)) {
	for more := true; more; {
		var item []byte
		item, list, more = bytes.Cut(list, []byte(","))
		add(trimBlanks(item))
	}
}

// httpUnfold trims a value, and joins the lines of a folded value with spaces.
func httpUnfold(h *Hint, value []byte) []byte {
	if bytes.IndexByte(value, '\n') < 0 {
		return trimBlanks(value)
	}
	joined := h.Scratch(len(value))[:0] // a line's end becomes its space: it fits
	for more := true; more; {
		var line []byte
		line, value, more = bytes.Cut(value, []byte("\n"))
		joined = append(joined, bytes.Trim(line, " \t\r")...)
		if more {
			joined = append(joined, ' ')
		}
	}
	return bytes.Trim(joined, " ")
}
