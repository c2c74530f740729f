package policy

import (
	"errors"
	"net/netip"
	"strings"

	"golang.org/x/net/idna"
)

// maxName is the length of a name as text (RFC 1035 section 3.1).
const maxName = 253

// profile maps names as browsers do, and permits underscores, which names of services have, and hyphens anywhere, as in
// r3---sn-4g5e6nsz.googlevideo.com.
var profile = idna.New(idna.MapForLookup(), idna.StrictDomainName(false), idna.Transitional(false), idna.CheckHyphens(false))

// canonical returns a name as policies compare it: lower case, A-labels, no final dot.
func canonical(name string) (string, error) {
	name = strings.TrimSuffix(name, ".")
	if name == "" || len(name) > 4*maxName {
		return "", errors.New("a name has 1 to 253 characters")
	}
	ascii := name
	if !isLower(name) {
		var err error
		if ascii, err = profile.ToASCII(name); err != nil {
			return "", errors.New("it is no name of the internet")
		}
	}
	switch {
	case len(ascii) > maxName:
		return "", errors.New("a name has 1 to 253 characters")
	case looksLikeAddress(ascii):
		return "", errors.New("it looks like an address")
	}
	for label := range strings.SplitSeq(ascii, ".") {
		if label == "" || len(label) > 63 {
			return "", errors.New("a label of a name has 1 to 63 characters")
		}
		if strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789_-") != "" {
			return "", errors.New("a name has letters, digits, dashes, underscores and dots")
		}
	}
	return ascii, nil
}

// isLower reports whether a name is in lower case and A-labels already, as most are: mapping it would not change it.
func isLower(name string) bool {
	for i := range len(name) {
		if c := name[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '.' && c != '-' && c != '_' {
			return false
		}
	}
	return !strings.Contains(name, "xn--")
}

// observed returns a name from traffic as policies compare it; "" if it is none. An address in the place of a name is none, nor are digits
// and dots that look like one, such as 10.000.000.001.
func observed(name string) string {
	if name == "" {
		return ""
	}
	if last := name[len(name)-1]; last <= '9' || last == ']' || strings.IndexByte(name, ':') >= 0 {
		if _, err := netip.ParseAddr(strings.Trim(name, "[]")); err == nil {
			return ""
		}
	}
	if isPlain(name) {
		return name
	}
	ascii, err := canonical(name)
	if err != nil {
		return ""
	}
	return ascii
}

// isPlain reports whether a name is as policies compare it already: canonical would return it as it is.
func isPlain(name string) bool {
	if len(name) > maxName {
		return false
	}
	label := 0 // bytes of it so far
	for i := range len(name) {
		switch c := name[i]; {
		case c == '.':
			if label == 0 {
				return false
			}
			label = 0
		case c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '_' || c == '-':
			if label++; label > 63 || label == 4 && name[i-3:i+1] == "xn--" {
				return false
			}
		default:
			return false
		}
	}
	return label > 0 && !looksLikeAddress(name)
}

// Observed returns a name from traffic or from a log as policies compare it; "" if it is none.
func Observed(name string) string { return observed(name) }
