package policy

import (
	_ "embed"
	"net/netip"
	"strings"
	"sync"

	"golang.org/x/net/publicsuffix"
)

// sharing is whose names are below a domain.
type sharing uint8

const (
	oneOwner     sharing = iota // of one registrant
	sharedHost                  // of customers of one provider: cloudfront.net; amazonaws.com, which s3.amazonaws.com is below
	publicSuffix                // of everyone: co.uk; kawasaki.jp, below which every name is a public suffix
)

// suffixParents has the domains that are no suffix of the public suffix list themselves but have suffixes below them, one a line: a wildcard
// there lets strangers in too. The list's own package does not tell them. TestSuffixParents makes the file.
//
//go:embed suffix_parents.txt
var suffixParents string

// sharingOfParents is suffixParents as a map.
var sharingOfParents = sync.OnceValue(func() map[string]sharing {
	m := map[string]sharing{}
	kind := publicSuffix
	for line := range strings.Lines(suffixParents) {
		switch line = strings.TrimSpace(line); line {
		case "[public]":
			kind = publicSuffix
		case "[shared]":
			kind = sharedHost
		default:
			m[line] = kind
		}
	}
	return m
})

// sharingBelow returns whose names are below a domain.
func sharingBelow(domain string) sharing {
	if suffix, icann := publicsuffix.PublicSuffix(domain); suffix == domain {
		if icann || !strings.Contains(domain, ".") {
			return publicSuffix
		}
		return sharedHost
	}
	return sharingOfParents()[domain]
}

// OwnDomain returns the shortest domain, the name itself or one above it, below which all names are of one owner: a wildcard may be there.
// It is below every suffix of the public suffix list, private ones such as github.io included. It is "" for a name that strangers have
// names below, for an address, and for a name under no known suffix, such as that of a private zone.
func OwnDomain(name string) string {
	if _, err := netip.ParseAddr(name); err == nil {
		return ""
	}
	suffix, icann := publicsuffix.PublicSuffix(name)
	if !icann && !strings.Contains(suffix, ".") {
		return "" // the list does not have the top level
	}
	domain := suffix
	for domain != name {
		rest := strings.TrimSuffix(name, "."+domain)
		domain = name[strings.LastIndexByte(rest, '.')+1:]
		if sharingBelow(domain) == oneOwner {
			return domain
		}
	}
	return ""
}
