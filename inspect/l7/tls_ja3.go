package l7

import (
	"strconv"

	"github.com/mirrorsink/mirrorsink/decap/wire"
)

// JA3 and JA3S (github.com/salesforce/ja3): the numbers of a hello in the order in which they were sent, in decimal, and the
// MD5 of that text. GREASE is omitted.

// printJA3 prints the object ja3 of a complete hello: version, cipher suites, extensions, groups, point formats.
func (hello *clientHello) printJA3(h *Hint) {
	if !hello.whole {
		return
	}
	start := len(h.scratch)
	b := strconv.AppendUint(h.scratch, uint64(hello.version), 10)
	b = appendJA3List(append(b, ','), hello.ciphers)
	b = hello.exts.appendJA3(append(b, ','))
	b = appendJA3List(append(b, ','), u16List(hello.exts.groups))
	b = append(b, ',')
	formats := u8List(hello.exts.pointFormats)
	for i, v := range formats.Rest() {
		if i > 0 {
			b = append(b, '-')
		}
		b = strconv.AppendUint(b, uint64(v), 10)
	}
	h.scratch = b
	printMD5(h, keyJA3, h.since(start))
}

// printJA3S prints the object ja3s of a server's complete hello: version, cipher suite, extensions.
func (hello *serverHello) printJA3S(h *Hint) {
	if !hello.whole || hello.exts.overrun {
		return
	}
	start := len(h.scratch)
	b := strconv.AppendUint(h.scratch, uint64(hello.legacy), 10)
	b = strconv.AppendUint(append(b, ','), uint64(hello.cipher), 10)
	h.scratch = hello.exts.appendJA3(append(b, ','))
	printMD5(h, keyJA3S, h.since(start))
}

func appendJA3List(dst []byte, list wire.Cursor) []byte {
	start := len(dst)
	for list.Len() >= 2 {
		dst = appendJA3Number(dst, start, list.U16())
	}
	return dst
}

// appendJA3 appends the types of the extensions.
func (e *tlsExtensions) appendJA3(dst []byte) []byte {
	start := len(dst)
	for c := e.all; c.Len() >= 4; {
		typ := c.U16()
		c.Upto(int(c.U16()))
		dst = appendJA3Number(dst, start, typ)
	}
	return dst
}

// appendJA3Number appends a number to the list that begins at start.
func appendJA3Number(dst []byte, start int, v uint16) []byte {
	if isGREASE(v) {
		return dst
	}
	if len(dst) > start {
		dst = append(dst, '-')
	}
	return strconv.AppendUint(dst, uint64(v), 10)
}
