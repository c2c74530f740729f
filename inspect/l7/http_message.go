package l7

import "bytes"

// httpMessage is one request or response without its body.
type httpMessage struct {
	start  httpStart
	fields httpFields
}

// request fills the hint from a request whose header section ends at end. The fields are those of Suricata, in its order. The
// event notifications of UPnP (GENA: NOTIFY, SUBSCRIBE, UNSUBSCRIBE) name their flow but make no event.
func (m *httpMessage) request(h *Hint, c *Conn, in Input, end int) {
	h.Role, h.Credentials = Request, m.fields.basic
	host, port := httpSplitPort(m.authority())
	if len(host) > 0 {
		h.Name, h.NameSource = host, HTTPHost
	}
	printText(h, keyHostname, host)
	if n, ok := parseNumber(port, 10); ok && n <= 0xffff {
		h.Int(keyHTTPPort, n)
	}
	printText(h, keyURL, m.start.target)
	printText(h, keyHTTPUserAgent, m.fields.value[fieldUserAgent])
	printText(h, keyXFF, m.fields.value[fieldForwardedFor])
	printText(h, keyHTTPRefer, m.fields.value[fieldReferer])
	h.Str(keyHTTPMethod, m.start.method)
	h.Str(keyProtocol, m.start.version)
	if httpPush(c, m.start.method) == httpNotice {
		h.Role = Interim
	}
	m.requestBody(h, c, in, end)
}

// response fills the hint from a response whose header section ends at end.
func (m *httpMessage) response(h *Hint, c *Conn, side uint8, end int) {
	if m.start.status < 200 && m.start.status != 101 {
		h.Role, h.Next = Interim, end
		if m.start.status == 100 {
			continueBody(c, 1^side&1)
		}
		return
	}
	h.Role = Response
	asked := httpPop(c)
	if asked == httpNotice {
		h.Role = Interim
	}
	length := m.responseBody(h, c, side, end, asked)
	mediaType, _, _ := bytes.Cut(m.fields.value[fieldContentType], []byte(";")) // Suricata leaves the parameters out
	printText(h, keyHTTPContentType, trimBlanksRight(mediaType))
	httpContentRange(h, m.fields.value[fieldContentRange])
	h.Int(keyStatus, int64(m.start.status))
	printText(h, keyRedirect, m.fields.value[fieldLocation])
	if length >= 0 {
		h.Int(keyLength, length)
	}
}

// authority returns host and port of the requested server. A target with an authority overrides the Host field (RFC 9112 section
// 3.2.2).
func (m *httpMessage) authority() []byte {
	target := m.start.target
	if string(m.start.method) == "CONNECT" && !bytes.HasPrefix(target, []byte("/")) {
		authority, _, _ := bytes.Cut(target, []byte(" ")) // some clients add a path
		return authority
	}
	scheme, rest, ok := bytes.Cut(target, []byte("://"))
	if !ok || bytes.ContainsAny(scheme, "/?#") {
		return m.fields.value[fieldHost]
	}
	if i := bytes.IndexAny(rest, "/?#"); i >= 0 {
		rest = rest[:i]
	}
	return rest[bytes.LastIndexByte(rest, '@')+1:]
}

// httpSplitPort splits "host:port". An IPv6 address keeps its brackets; without brackets it has no port.
func httpSplitPort(authority []byte) (host, port []byte) {
	i := bytes.LastIndexByte(authority, ':')
	if i < 0 {
		return authority, nil
	}
	host, port = authority[:i], authority[i+1:]
	bracketed := bytes.HasPrefix(host, []byte("[")) && bytes.HasSuffix(host, []byte("]"))
	if !bracketed && bytes.IndexByte(host, ':') >= 0 {
		return authority, nil
	}
	if _, ok := parseNumber(port, 10); !ok && len(port) > 0 {
		return authority, nil
	}
	return host, port
}

// httpContentRange adds "bytes 0-499/1234", "bytes 0-499/*" or "bytes */1234" (RFC 9110 section 14.4), and other values as raw
// only.
func httpContentRange(h *Hint, raw []byte) {
	if len(raw) == 0 {
		return
	}
	h.Object(keyContentRange)
	h.Str(keyRaw, raw)
	_, spec, _ := bytes.Cut(raw, []byte(" "))
	span, size, _ := bytes.Cut(bytes.TrimLeft(spec, " "), []byte("/"))
	first, last, _ := bytes.Cut(span, []byte("-"))
	httpInt(h, keyStart, first)
	httpInt(h, keyEnd, last)
	httpInt(h, keySize, size)
	h.End()
}

func httpInt(h *Hint, key Key, digits []byte) {
	if n, ok := parseNumber(digits, 10); ok {
		h.Int(key, n)
	}
}
