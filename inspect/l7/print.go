package l7

import (
	"crypto/md5"
	"encoding/hex"
	"net/netip"
)

// addrStr adds a text field with an address of 4 or 16 bytes. It adds none for other lengths.
func (h *Hint) addrStr(key Key, b []byte) {
	if addr, ok := netip.AddrFromSlice(b); ok {
		start := len(h.scratch)
		h.scratch = addr.AppendTo(h.scratch)
		h.Str(key, h.since(start))
	}
}

// hexStr adds a text field with two hexadecimal digits for each byte.
func (h *Hint) hexStr(key Key, b []byte) {
	start := len(h.scratch)
	h.scratch = hex.AppendEncode(h.scratch, b)
	h.Str(key, h.since(start))
}

// colonStr adds a text field with bytes in hexadecimal, separated by colons as in link addresses.
func (h *Hint) colonStr(key Key, b []byte) {
	h.colonHex(key, b, hexDigits)
}

// colonHex is colonStr with the given hexadecimal digits.
func (h *Hint) colonHex(key Key, b []byte, digits string) {
	start := len(h.scratch)
	for i, v := range b {
		if i > 0 {
			h.scratch = append(h.scratch, ':')
		}
		h.scratch = append(h.scratch, digits[v>>4], digits[v&15])
	}
	h.Str(key, h.since(start))
}

// printMD5 adds an object with a text and its MD5, as JA3, HASSH and CYU are printed. text must be in the hint's scratch.
func printMD5(h *Hint, key Key, text []byte) {
	sum := md5.Sum(text)
	h.Object(key)
	h.hexStr(keyHash, sum[:])
	h.Str(keyString, text)
	h.End()
}

// printText adds a text field unless the text is empty.
func printText(h *Hint, key Key, text []byte) {
	if len(text) > 0 {
		h.Str(key, text)
	}
}
