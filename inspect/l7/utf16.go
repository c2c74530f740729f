package l7

import (
	"unicode/utf16"
	"unicode/utf8"

	"github.com/mirrorsink/mirrorsink/decap/wire"
)

// utf16Text returns text of UTF-16 with its low byte first, as Windows has it, in UTF-8. It is in the hint's scratch.
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

// appendBMP appends text in UTF-16, of which the BMPString is the part without surrogates, as UTF-8.
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
