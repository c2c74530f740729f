package l7

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"

	"github.com/mirrorsink/mirrorsink/decap/wire"
)

// JA4 (github.com/FoxIO-LLC/ja4, technical_details/JA4.md; the client's fingerprint alone, which is BSD-licensed): ten
// characters that say what the hello is; a hash of the cipher suites, sorted; a hash of the extensions, sorted, with the
// signature algorithms in their order. GREASE is left out everywhere.

// printJA4 prints the field ja4 of a hello that is whole. transport is t for TCP, q for QUIC and d for DTLS.
func (hello *clientHello) printJA4(h *Hint, transport byte) {
	if !hello.whole {
		return
	}
	text := h.Scratch(len("t13d1516h2_8daaf6152771_e5627efa2ab1"))
	b := append(text[:0], transport)
	b = append(b, hello.ja4Version()...)
	b = append(b, hello.exts.ja4Destination())
	h.sorted = appendU16s(h.sorted[:0], hello.ciphers)
	b = appendTwoDigits(b, len(h.sorted))
	b = appendTwoDigits(b, hello.exts.count())
	b = appendJA4ALPN(b, hello.exts.firstALPN())
	slices.Sort(h.sorted)
	b = appendJA4Hash(append(b, '_'), h, wire.Cursor{})
	h.sorted = hello.exts.appendJA4(h.sorted[:0])
	slices.Sort(h.sorted)
	appendJA4Hash(append(b, '_'), h, u16List(hello.exts.sigAlgs))
	h.JA4 = text
	h.Str(keyJA4, text)
}

// ja4Version is the highest version of supported_versions by its number, or else the hello's own. Drafts have no name.
func (hello *clientHello) ja4Version() string {
	var version uint16
	for list := u8List(hello.exts.versions); list.Len() >= 2; {
		if v := list.U16(); !isGREASE(v) && dtlsUp(v) > dtlsUp(version) {
			version = v
		}
	}
	if version == 0 {
		version = hello.version
	}
	switch version {
	case sslv2:
		return "s2"
	case ssl3:
		return "s3"
	case tls10:
		return "10"
	case tls11:
		return "11"
	case tls12:
		return "12"
	case tls13:
		return "13"
	case dtls10:
		return "d1"
	case dtls12:
		return "d2"
	case dtls13:
		return "d3"
	}
	return "00"
}

// ja4Destination is d if the client names a domain and i if it only has an address.
func (e *tlsExtensions) ja4Destination() byte {
	if e.named {
		return 'd'
	}
	return 'i'
}

// count returns the number of extensions.
func (e *tlsExtensions) count() (n int) {
	for c := e.all; c.Len() >= 4; {
		if !isGREASE(c.U16()) {
			n++
		}
		c.Upto(int(c.U16()))
	}
	return n
}

// appendJA4 appends the types of the extensions but for the two that the first part of JA4 is about.
func (e *tlsExtensions) appendJA4(dst []uint16) []uint16 {
	for c := e.all; c.Len() >= 4; {
		typ := c.U16()
		c.Upto(int(c.U16()))
		if !isGREASE(typ) && typ != extServerName && typ != extALPN {
			dst = append(dst, typ)
		}
	}
	return dst
}

func (e *tlsExtensions) firstALPN() []byte {
	list := u16List(e.alpn)
	return list.Bytes(int(list.U8()))
}

// appendTwoDigits appends a count, of which all from 99 on are the same.
func appendTwoDigits(dst []byte, n int) []byte {
	n = min(n, 99)
	return append(dst, '0'+byte(n/10), '0'+byte(n%10))
}

// appendJA4ALPN appends the first and the last character of a protocol's name; of its hex digits if one of the two is
// neither letter nor digit.
func appendJA4ALPN(dst, name []byte) []byte {
	if len(name) == 0 {
		return append(dst, "00"...)
	}
	first, last := name[0], name[len(name)-1]
	if isAlphanumeric(first) && isAlphanumeric(last) {
		return append(dst, first, last)
	}
	const digits = "0123456789abcdef"
	return append(dst, digits[first>>4], digits[last&15])
}

func appendU16s(dst []uint16, list wire.Cursor) []uint16 {
	for list.Len() >= 2 {
		if v := list.U16(); !isGREASE(v) {
			dst = append(dst, v)
		}
	}
	return dst
}

// appendJA4Hash appends the first twelve digits of the SHA-256 of the numbers in h.sorted and, if there are any, of a list
// as it is behind them; zeros if there is nothing to hash.
func appendJA4Hash(dst []byte, h *Hint, more wire.Cursor) []byte {
	if len(h.sorted) == 0 {
		return append(dst, "000000000000"...)
	}
	start := len(h.scratch)
	b := appendJA4List(h.scratch, h.sorted)
	h.sorted = appendU16s(h.sorted[:0], more)
	if len(h.sorted) > 0 {
		b = appendJA4List(append(b, '_'), h.sorted)
	}
	sum := sha256.Sum256(b[start:])
	h.scratch = b[:start]
	return hex.AppendEncode(dst, sum[:6])
}

func appendJA4List(dst []byte, list []uint16) []byte {
	for i, v := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = hex.AppendEncode(dst, []byte{byte(v >> 8), byte(v)})
	}
	return dst
}
