package where

import (
	"net/netip"
	"strings"

	"golang.org/x/net/publicsuffix"
)

// carrierGrade is the address space between carriers and their customers (RFC 6598), which VPCs use too.
var carrierGrade = netip.MustParsePrefix("100.64.0.0/10")

// Private reports whether an address is not routed on the internet: RFC 1918, RFC 6598, unique local (RFC 4193), link-local
// or loopback.
func Private(a netip.Addr) bool {
	a = a.Unmap()
	return a.IsPrivate() || carrierGrade.Contains(a) || a.IsLinkLocalUnicast() || a.IsLoopback()
}

// Domain returns the registrable domain of a name by the public suffix list, in lower case: example.co.uk for
// www.example.co.uk. It returns the name itself if that is a public suffix or an address.
func Domain(name string) string {
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	if _, err := netip.ParseAddr(name); err == nil {
		return name
	}
	if d, err := publicsuffix.EffectiveTLDPlusOne(name); err == nil {
		return d
	}
	return name
}
