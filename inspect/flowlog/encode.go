package flowlog

import "strings"

const hex = "0123456789ABCDEF"

// special says of a byte that it cannot stand in a token: it ends one, or is taken for more than itself. CloudWatch joins
// what is between quotation marks or brackets to one token.
func special(c byte) bool {
	return c <= ' ' || c >= 0x7f || c == '%' || c == '"' || c == '[' || c == ']'
}

// appendEncoded appends text as one token, with percent-encoding as AWS has it in tag fields (RFC 3986 section 2.1). What
// is not known is -, and a text that is just that is encoded.
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

// appendDecoded undoes appendEncoded. A percent sign that begins no escape stands for itself.
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

// digit is the value of a hexadecimal digit, or -1.
func digit(c byte) int {
	return strings.IndexByte(hex, c&^(c>>1&0x20)) // letters in upper case
}

// intern keeps one copy of each text of a file, in which interfaces, names and protocols come again and again.
type intern struct {
	texts   map[string]string
	scratch []byte
}

// maxInterned bounds the copies. When there are more they are forgotten together; most come back at once.
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
