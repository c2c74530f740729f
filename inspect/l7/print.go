package l7

import (
	"encoding/hex"
	"net/netip"
)

// addrStr adds a text field with an address of 4 or 16 bytes; none if there are not as many.
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

// colonStr adds a text field with bytes in hexadecimal and a colon between each two, as link addresses are written.
func (h *Hint) colonStr(key Key, b []byte) {
	start := len(h.scratch)
	for i := range b {
		if i > 0 {
			h.scratch = append(h.scratch, ':')
		}
		h.scratch = hex.AppendEncode(h.scratch, b[i:i+1])
	}
	h.Str(key, h.since(start))
}

// isText reports whether bytes are printable ASCII, at least one.
func isText(b []byte) bool {
	for _, c := range b {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return len(b) > 0
}
