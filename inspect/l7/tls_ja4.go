package l7

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"

	"github.com/mirrorsink/mirrorsink/decap/wire"
)

// JA4 (github.com/FoxIO-LLC/ja4, technical_details/JA4.md; only the client's fingerprint, which is BSD-licensed): ten
// characters that describe the hello; a hash of the sorted cipher suites; a hash of the sorted extensions and the signature
// algorithms in their order. GREASE is omitted everywhere.

// printJA4 sets and prints the JA4 of a complete hello. transport is t for TCP, q for QUIC and d for DTLS.
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

// ja4Version returns the name of the highest version in supported_versions by number, or else of the hello's own. Drafts have
// none.
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

// ja4Destination returns d if the client names a domain, and i if it has an address only.
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

// appendJA4 appends the types of the extensions, except the two that are in the first part of JA4.
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

// appendTwoDigits appends a count, at most 99.
func appendTwoDigits(dst []byte, n int) []byte {
	n = min(n, 99)
	return append(dst, '0'+byte(n/10), '0'+byte(n%10))
}

// appendJA4ALPN appends the first and the last character of a protocol's name, or of its hex digits if one of the two is
// neither letter nor digit.
func appendJA4ALPN(dst, name []byte) []byte {
	if len(name) == 0 {
		return append(dst, "00"...)
	}
	first, last := name[0], name[len(name)-1]
	if isAlphanumeric(first) && isAlphanumeric(last) {
		return append(dst, first, last)
	}
	return append(dst, hexDigits[first>>4], hexDigits[last&15])
}

const hexDigits = "0123456789abcdef"

func appendU16s(dst []uint16, list wire.Cursor) []uint16 {
	for list.Len() >= 2 {
		if v := list.U16(); !isGREASE(v) {
			dst = append(dst, v)
		}
	}
	return dst
}

// appendJA4Hash appends the first twelve digits of the SHA-256 of the numbers in h.sorted and of those in more, in their order;
// zeros if h.sorted is empty.
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
		dst = append(dst, hexDigits[v>>12], hexDigits[v>>8&15], hexDigits[v>>4&15], hexDigits[v&15])
	}
	return dst
}
