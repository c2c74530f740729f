package input

import "net/netip"

// interner keeps one copy of each text of a file, and the addresses that texts were parsed to.
type interner struct {
	texts map[string]string
	addrs map[string]netip.Addr
}

// maxInterned bounds each map. A full map is dropped whole; the common values are soon back.
const maxInterned = 1 << 14

func (in *interner) text(b []byte) string {
	if s, ok := in.texts[string(b)]; ok {
		return s
	}
	if in.texts == nil || len(in.texts) >= maxInterned {
		in.texts = map[string]string{}
	}
	s := string(b)
	in.texts[s] = s
	return s
}

// addr parses an address; it returns the zero address for any other text.
func (in *interner) addr(b []byte) netip.Addr {
	if a, ok := in.addrs[string(b)]; ok {
		return a
	}
	if in.addrs == nil || len(in.addrs) >= maxInterned {
		in.addrs = map[string]netip.Addr{}
	}
	a, _ := netip.ParseAddr(string(b))
	in.addrs[string(b)] = a
	return a
}
