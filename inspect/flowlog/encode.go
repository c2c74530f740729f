package flowlog

import "strings"

const hex = "0123456789ABCDEF"

// special reports whether a byte cannot be part of a token: it ends the token or has a meaning of its own. CloudWatch joins the text
// between quotation marks or brackets to one token.
func special(c byte) bool {
	return c <= ' ' || c >= 0x7f || c == '%' || c == '"' || c == '[' || c == ']'
}

// appendEncoded appends text as one token, with percent-encoding as in AWS's tag fields (RFC 3986 section 2.1). An unknown text is
// "-". The text "-" itself is encoded.
func appendEncoded(dst []byte, s string) []byte {
	switch s {
	case "":
		return append(dst, '-')
	case "-":
		return append(dst, "%2D"...)
	}
	for i := range len(s) {
		if special(s[i]) {
			return appendEscapes(append(dst, s[:i]...), s[i:])
		}
	}
	return append(dst, s...)
}

func appendEscapes(dst []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; special(c) {
			dst = append(dst, '%', hex[c>>4], hex[c&15])
		} else {
			dst = append(dst, c)
		}
	}
	return dst
}

// appendDecoded decodes what appendEncoded encoded. A percent sign that does not begin an escape is kept.
func appendDecoded(dst, s []byte) []byte {
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			hi, lo := digit(s[i+1]), digit(s[i+2])
			if hi >= 0 && lo >= 0 {
				dst = append(dst, byte(hi<<4|lo))
				i += 2
				continue
			}
		}
		dst = append(dst, s[i])
	}
	return dst
}

// digit returns the value of a hexadecimal digit, or -1.
func digit(c byte) int {
	return strings.IndexByte(hex, c&^(c>>1&0x20)) // letters in upper case
}

// intern keeps one copy of each text of a file. Interfaces, names and protocols repeat often.
type intern struct {
	texts   map[string]string
	scratch []byte
}

// maxInterned bounds the copies. A full table is cleared; most texts come back at once.
const maxInterned = 1 << 14

func (in *intern) decoded(token []byte) string {
	in.scratch = appendDecoded(in.scratch[:0], token)
	if s, ok := in.texts[string(in.scratch)]; ok {
		return s
	}
	if in.texts == nil || len(in.texts) == maxInterned {
		in.texts = make(map[string]string)
	}
	s := string(in.scratch)
	in.texts[s] = s
	return s
}
