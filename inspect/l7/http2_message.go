package l7

import "bytes"

// The header fields that are read. The first five have the information of HTTP/1.1's start line and Host field.
const (
	http2Method = iota
	http2Path
	http2Authority
	http2Status
	http2Host
	http2UserAgent
	http2Referer
	http2ForwardedFor
	http2ContentType
	http2ContentLength
	http2Location
	http2Fields
)

// http2Message has the values of a header block's fields; nil if a field is missing or not known.
type http2Message [http2Fields][]byte

// read reads the readable part of a header block. The first of several equal fields counts.
func (m *http2Message) read(h *Hint, block []byte) {
	r := newHPACK(h, block)
	for {
		name, value, ok := r.next()
		if !ok {
			return
		}
		if i := http2FieldIndex(name); i < http2Fields && m[i] == nil {
			m[i] = value
		}
	}
}

// http2FieldIndex returns http2Fields for a field that is not read. Names are in lower case (RFC 9113 section 8.2).
func http2FieldIndex(name []byte) int {
	switch string(name) {
	case ":method":
		return http2Method
	case ":path":
		return http2Path
	case ":authority":
		return http2Authority
	case ":status":
		return http2Status
	case "host":
		return http2Host
	case "user-agent":
		return http2UserAgent
	case "referer":
		return http2Referer
	case "x-forwarded-for":
		return http2ForwardedFor
	case "content-type":
		return http2ContentType
	case "content-length":
		return http2ContentLength
	case "location":
		return http2Location
	}
	return http2Fields
}

// request prints the fields that Suricata prints for requests of HTTP/2 and of HTTP/1.1.
func (m *http2Message) request(h *Hint, stream uint32) {
	h.Role = Request
	authority := m[http2Authority]
	if len(authority) == 0 {
		authority = m[http2Host] // RFC 9113 section 8.3.1
	}
	host, port := httpSplitPort(authority)
	if len(host) > 0 {
		h.Name, h.NameSource = host, HTTPHost
	}
	h.Const(keyVersion, "2")
	printText(h, keyHostname, host)
	if n, ok := parseNumber(port, 10); ok && n <= 0xffff {
		h.Int(keyHTTPPort, n)
	}
	printText(h, keyURL, m[http2Path])
	printText(h, keyHTTPUserAgent, m[http2UserAgent])
	printText(h, keyXFF, m[http2ForwardedFor])
	printText(h, keyHTTPRefer, m[http2Referer])
	printText(h, keyHTTPMethod, m[http2Method])
	h.Object(keyHTTP2)
	h.Int(keyStreamID, int64(stream))
	h.End()
}

func (m *http2Message) response(h *Hint, status int64) {
	h.Role = Response
	mediaType, _, _ := bytes.Cut(m[http2ContentType], []byte(";"))
	printText(h, keyHTTPContentType, trimBlanksRight(mediaType))
	if status != 0 {
		h.Int(keyStatus, status)
	}
	printText(h, keyRedirect, m[http2Location])
	if n, ok := parseNumber(m[http2ContentLength], 10); ok {
		h.Int(keyLength, n)
	}
}
