package l7

import (
	"unicode/utf16"
	"unicode/utf8"

	"github.com/mirrorsink/mirrorsink/decap/wire"
)

// utf16Text converts text from little-endian UTF-16, as in Windows, to UTF-8 in the hint's scratch.
func (h *Hint) utf16Text(r wire.Cursor) []byte {
	start := len(h.scratch)
	for r.Len() >= 2 {
		c := rune(r.U16LE())
		if ahead := r; utf16.IsSurrogate(c) && ahead.Len() >= 2 {
			if pair := utf16.DecodeRune(c, rune(ahead.U16LE())); pair != utf8.RuneError {
				c, r = pair, ahead
			}
		}
		h.scratch = utf8.AppendRune(h.scratch, c)
	}
	return h.since(start)
}

// appendBMP appends a BMPString, which is big-endian UTF-16 without surrogates, as UTF-8.
func appendBMP(dst, text []byte) []byte {
	for c := wire.New(text); c.Len() >= 2; {
		r := rune(c.U16())
		if utf16.IsSurrogate(r) {
			r = utf8.RuneError
		}
		dst = utf8.AppendRune(dst, r)
	}
	return dst
}
