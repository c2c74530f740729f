package l7

import "bytes"

// SIP (RFC 3261). Each request and each response is an event. Over TCP the next message starts after the body, whose length is
// in the header.
//
// Conn is not used.

const sipVersion = "SIP/2.0"

// Header fields that are read, with their short forms; RFC 3261 section 20.
const (
	sipFrom = iota
	sipFromShort
	sipTo
	sipToShort
	sipCallID
	sipCallIDShort
	sipAgent
	sipServer
	sipLength
	sipLengthShort
	sipFields
)

var sipFieldNames = [sipFields]string{
	sipFrom: "from", sipFromShort: "f", sipTo: "to", sipToShort: "t", sipCallID: "call-id", sipCallIDShort: "i",
	sipAgent: "user-agent", sipServer: "server", sipLength: "content-length", sipLengthShort: "l",
}

var sipMethods = words{"INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "REGISTER", "PRACK", "SUBSCRIBE", "NOTIFY", "PUBLISH",
	"INFO", "REFER", "MESSAGE", "UPDATE"}

// parseSIP reads datagrams and streams.
func parseSIP(h *Hint, _ *Conn, in Input) Verdict {
	data := trimNewlines(in.Data) // keep-alives; RFC 5626 section 3.5.1
	if len(data) == 0 {
		return moreUnless(in.Final)
	}
	l := textLines{data}
	response := fits(data, sipVersion)
	if !response && !sipMethods.may(data) {
		return Reject
	}
	line, v := l.text()
	switch {
	case v != Done:
		return finalVerdict(v, in.Final)
	case !response && !bytes.HasSuffix(line, []byte(" "+sipVersion)):
		return Reject
	case !in.Final && !hasBlankLine(data):
		return More
	}
	var values [sipFields][]byte
	l.header(sipFieldNames[:], values[:])
	n, _ := parseNumber(sipEither(&values, sipLength), 10)
	h.Next = offsetAfter(l.end(in.Data), n)
	if response {
		return printSIPResponse(h, line, &values)
	}
	return printSIPRequest(h, line, &values)
}

// beginsSIP requires a request.
func beginsSIP(b []byte) bool {
	l := textLines{b}
	line, ok := l.next()
	method, _ := sipMethods.first(line)
	return ok && method != "" && bytes.HasSuffix(line, []byte(" "+sipVersion))
}

func printSIPRequest(h *Hint, line []byte, values *[sipFields][]byte) Verdict {
	method, rest, _ := bytes.Cut(line, []byte(" "))
	if len(rest) <= len(" "+sipVersion) {
		return Reject
	}
	h.Role = Request
	h.Str(keyMethod, method)
	h.Str(keyURI, rest[:len(rest)-len(" "+sipVersion)])
	h.Const(keyVersion, sipVersion)
	h.Str(keyRequestLine, line)
	printSIPFields(h, values)
	return Done
}

func printSIPResponse(h *Hint, line []byte, values *[sipFields][]byte) Verdict {
	if !fits(line, sipVersion+" ###") || len(line) < len(sipVersion+" ###") {
		return Reject
	}
	code, reason, _ := bytes.Cut(line[len(sipVersion+" "):], []byte(" "))
	if len(code) != len("###") {
		return Reject
	}
	h.Role = Response
	h.Const(keyVersion, sipVersion)
	h.Str(keyCode, code)
	printText(h, keyReason, reason)
	h.Str(keyResponseLine, line)
	printSIPFields(h, values)
	return Done
}

// printSIPFields adds the fields that Suricata does not have.
func printSIPFields(h *Hint, values *[sipFields][]byte) {
	agent := values[sipAgent]
	if agent == nil {
		agent = values[sipServer]
	}
	sipExtra(h, keyFrom, sipAddress(sipEither(values, sipFrom)))
	sipExtra(h, keyTo, sipAddress(sipEither(values, sipTo)))
	sipExtra(h, keyCallID, sipEither(values, sipCallID))
	sipExtra(h, keyUserAgent, agent)
}

func sipExtra(h *Hint, key Key, text []byte) {
	if len(text) > 0 {
		h.Str(key, text)
		h.Extra()
	}
}

// sipEither returns the value of a field under its name or its short form, which is the next in order.
func sipEither(values *[sipFields][]byte, field int) []byte {
	if values[field] == nil {
		return values[field+1]
	}
	return values[field]
}

// sipAddress returns the URI of a From or To field, without display name and parameters.
func sipAddress(value []byte) []byte {
	if _, uri, ok := bytes.Cut(value, []byte("<")); ok {
		uri, _, _ = bytes.Cut(uri, []byte(">"))
		return uri
	}
	value, _, _ = bytes.Cut(value, []byte(";"))
	return value
}

// Keys of the fields.
var (
	keyCallID       = KeyOf("call_id")
	keyRequestLine  = KeyOf("request_line")
	keyResponseLine = KeyOf("response_line")
	keyURI          = KeyOf("uri")
)
