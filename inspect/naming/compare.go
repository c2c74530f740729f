package naming

import (
	"bytes"
	"net/netip"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/mirrorsink/mirrorsink/decap"
)

// trimDot removes the dot at the end of an absolute name. RFC 6066 section 3 forbids it in an SNI, and some clients send it.
func trimDot(name []byte) []byte { return bytes.TrimSuffix(name, []byte(".")) }

// sameName reports whether two names are equal as resolvers compare them: without regard to case (RFC 4343) or a dot at the end, and
// with an internationalized label in either form (RFC 5891).
func sameName(a, b []byte) bool {
	a, b = trimDot(a), trimDot(b)
	if bytes.EqualFold(a, b) {
		return true
	}
	for len(a) > 0 && len(b) > 0 {
		var one, two []byte
		one, a, _ = bytes.Cut(a, []byte("."))
		two, b, _ = bytes.Cut(b, []byte("."))
		if !sameLabel(one, two) {
			return false
		}
	}
	return len(a) == len(b)
}

// sameLabel compares two labels of which either may be in the form for the wire.
func sameLabel(a, b []byte) bool {
	var one, two [4 * maxLabel]byte
	return bytes.EqualFold(decodeLabel(one[:0], a), decodeLabel(two[:0], b))
}

const maxLabel = 63 // bytes; RFC 1035 section 2.3.4

// decodeLabel appends the Unicode form of a label. A label that has none is appended as it is.
func decodeLabel(dst, label []byte) []byte {
	const prefix = "xn--"
	if len(label) <= len(prefix) || len(label) > maxLabel || !strings.EqualFold(string(label[:len(prefix)]), prefix) {
		return append(dst, label...)
	}
	var runes [maxLabel]rune
	decoded, ok := decodePunycode(runes[:0], label[len(prefix):])
	if !ok {
		return append(dst, label...)
	}
	for _, r := range decoded {
		dst = utf8.AppendRune(dst, r)
	}
	return dst
}

// Parameters of Punycode; RFC 3492 section 5.
const (
	punyBase = 36
	punyTMin = 1
	punyTMax = 26
	punySkew = 38
	punyDamp = 700
	punyBias = 72
	punyN    = 128
)

// decodePunycode appends the code points of an encoded label of at most maxLabel bytes to dst; RFC 3492 section 6.2. Its numbers stay
// within 64 bits: each code point takes at least one byte, and i stops at maxRune for each.
func decodePunycode(dst []rune, text []byte) (_ []rune, ok bool) {
	if i := bytes.LastIndexByte(text, '-'); i >= 0 {
		for _, c := range text[:i] {
			dst = append(dst, rune(c))
		}
		text = text[i+1:]
	}
	n, i, bias := punyN, 0, punyBias
	for len(text) > 0 {
		delta, rest, ok := punyDelta(text, bias)
		if !ok {
			return dst, false
		}
		text = rest
		size := len(dst) + 1
		bias = punyAdapt(delta, size, i == 0 && n == punyN)
		i += delta
		n += i / size
		i %= size
		if n > utf8.MaxRune {
			return dst, false
		}
		dst = slices.Insert(dst, i, rune(n))
		i++
	}
	return dst, true
}

// punyDelta reads a number of variable length; RFC 3492 section 3.3.
func punyDelta(text []byte, bias int) (delta int, rest []byte, ok bool) {
	weight := 1
	for k := punyBase; len(text) > 0; k += punyBase {
		digit := punyDigit(text[0])
		text = text[1:]
		if digit < 0 {
			return 0, nil, false
		}
		delta += digit * weight
		t := min(max(k-bias, punyTMin), punyTMax)
		if digit < t {
			return delta, text, true
		}
		weight *= punyBase - t
		if weight > utf8.MaxRune*maxLabel || delta > utf8.MaxRune*maxLabel {
			return 0, nil, false
		}
	}
	return 0, nil, false
}

// punyDigit returns the value of a digit, or -1.
func punyDigit(c byte) int {
	switch {
	case 'a' <= c && c <= 'z':
		return int(c - 'a')
	case 'A' <= c && c <= 'Z':
		return int(c - 'A')
	case '0' <= c && c <= '9':
		return int(c-'0') + 26
	}
	return -1
}

// punyAdapt returns the bias for the next number; RFC 3492 section 6.1.
func punyAdapt(delta, size int, first bool) int {
	if first {
		delta /= punyDamp
	} else {
		delta /= 2
	}
	delta += delta / size
	k := 0
	for ; delta > (punyBase-punyTMin)*punyTMax/2; k += punyBase {
		delta /= punyBase - punyTMin
	}
	return k + (punyBase-punyTMin+1)*delta/(delta+punySkew)
}

// completed reports whether full is what a resolver makes of a relative name with a domain of its search list, as it makes
// api.team-a.svc.cluster.local of api.team-a.svc. A name that is complete without it is not relative: www.example.com.evil.example has
// nothing to do with www.example.com. So a name that ends like those of the public DNS counts as relative only before a domain that is
// not public.
func completed(full, relative []byte) bool {
	full, relative = trimDot(full), trimDot(relative)
	n := len(relative)
	if n == 0 || len(full) < n+2 || full[n] != '.' || !sameName(full[:n], relative) {
		return false
	}
	last := relative[bytes.LastIndexByte(relative, '.')+1:]
	return len(last) == n || !isPublicDomain(last) || isPrivateSuffix(full[n+1:])
}

// publicDomains are the top-level domains with most names, and example, which stands for them. Those that are as common inside of
// networks, as app, dev or cloud, are not here. A country's domain has two letters.
var publicDomains = [...]string{
	"biz", "club", "com", "edu", "example", "gov", "icu", "info", "int", "mil", "mobi", "name", "net", "online", "org", "pro", "shop",
	"site", "top", "vip", "xyz",
}

func isPublicDomain(label []byte) bool {
	return len(label) == 2 || containsFold(publicDomains[:], label)
}

// privateDomains are top-level domains that exist only inside of networks: reserved ones, and those that the public DNS will not have
// since so many networks use them.
var privateDomains = [...]string{
	"arpa", "consul", "corp", "home", "internal", "intranet", "lan", "local", "localdomain", "mail", "private", "test",
}

// isPrivateSuffix reports whether a search domain is one that only a network's own resolver knows. Clusters have services below svc
// whatever their domain is.
func isPrivateSuffix(domain []byte) bool {
	first, _, _ := bytes.Cut(domain, []byte("."))
	return strings.EqualFold(string(first), "svc") || containsFold(privateDomains[:], domain[bytes.LastIndexByte(domain, '.')+1:])
}

func containsFold(list []string, label []byte) bool {
	return slices.ContainsFunc(list, func(s string) bool { return strings.EqualFold(s, string(label)) })
}

// withoutService removes the labels in front of a name that say which service or port of it is meant, as _443._tcp (RFC 8552). A
// name that has nothing else stays.
func withoutService(name []byte) []byte {
	for rest := name; ; {
		if len(rest) == 0 || rest[0] != '_' {
			return rest
		}
		i := bytes.IndexByte(rest, '.')
		if i < 0 {
			return name
		}
		rest = rest[i+1:]
	}
}

// literal returns the address that a name is, as it stands in an SNI or a Host field: an IPv6 address may have brackets, and a port
// behind them. It is not valid for a name.
func literal(name []byte) netip.Addr {
	if len(name) == 0 || len(name) > len("[ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255]:65535") || bytes.IndexFunc(name, notOfAddress) >= 0 {
		return netip.Addr{}
	}
	text := string(trimDot(name))
	if addr, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(text, "["), "]")); err == nil {
		return addr.Unmap()
	}
	if withPort, err := netip.ParseAddrPort(text); err == nil {
		return withPort.Addr().Unmap()
	}
	return netip.Addr{}
}

// notOfAddress reports whether a character is in no address.
func notOfAddress(r rune) bool { return !strings.ContainsRune("0123456789abcdefABCDEF:.[]", r) }

// isAddress reports whether a name is the address itself, which needs no lookup.
func isAddress(name []byte, addr decap.Addr) bool {
	a := literal(name)
	return a.IsValid() && a == addr.Netip().Unmap()
}

// agree reports whether two names that the client gave on a connection may mean one server: they are the same, one completes the other,
// or one is an address, which says nothing of the name.
func agree(a, b []byte) bool {
	return sameName(a, b) || completed(a, b) || completed(b, a) || literal(a).IsValid() != literal(b).IsValid()
}
