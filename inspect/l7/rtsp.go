package l7

import "bytes"

// RTSP (RFC 2326, RFC 7826). The first request and its response make one event. The rest of the connection is not read, since
// it may contain media.
//
// Conn is not used.

const (
	rtspVersion    = "RTSP/#.#"
	rtspStatusLine = "RTSP/#.# ###"
)

// Header fields that are read.
const (
	rtspAgent = iota
	rtspServer
	rtspFields
)

var rtspFieldNames = [rtspFields]string{rtspAgent: "user-agent", rtspServer: "server"}

var rtspMethods = words{"OPTIONS", "DESCRIBE", "ANNOUNCE", "SETUP", "PLAY", "PLAY_NOTIFY", "PAUSE", "TEARDOWN",
	"GET_PARAMETER", "SET_PARAMETER", "REDIRECT", "RECORD"}

func parseRTSP(h *Hint, _ *Conn, in Input) Verdict {
	response := fits(in.Data, rtspVersion)
	if !response && !rtspMethods.may(in.Data) {
		return Reject
	}
	l := textLines{in.Data}
	line, v := l.text()
	switch {
	case v != Done:
		return finalVerdict(v, in.Final)
	case response && (!fits(line, rtspStatusLine) || len(line) < len(rtspStatusLine)),
		!response && !rtspRequestLine(line):
		return Reject
	case !in.Final && !hasBlankLine(in.Data):
		return More
	}
	var values [rtspFields][]byte
	l.header(rtspFieldNames[:], values[:])
	h.Next = Stop
	if response {
		printRTSPResponse(h, line, values[rtspServer])
	} else {
		printRTSPRequest(h, line, values[rtspAgent])
	}
	return Done
}

// rtspRequestLine reports whether a line has a method, a URL and the version.
func rtspRequestLine(line []byte) bool {
	method, rest := rtspMethods.first(line)
	v := len(rest) - len(rtspVersion)
	return method != "" && v > 1 && rest[v-1] == ' ' && fits(rest[v:], rtspVersion)
}

func printRTSPRequest(h *Hint, line, agent []byte) {
	method, rest := rtspMethods.first(line)
	v := len(rest) - len(rtspVersion)
	h.Role = Request
	h.Const(keyMethod, method)
	h.Str(keyURL, bytes.TrimSpace(rest[:v]))
	h.Str(keyVersion, rest[v:])
	printText(h, keyUserAgent, agent)
}

func printRTSPResponse(h *Hint, line, server []byte) {
	status, _ := parseNumber(line[len(rtspVersion)+1:len(rtspStatusLine)], 10)
	h.Role = Response
	h.Int(keyStatus, status)
	printText(h, keyReason, bytes.TrimSpace(line[len(rtspStatusLine):]))
	printText(h, keyServer, server)
}
