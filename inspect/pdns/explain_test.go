package pdns

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestExplain(t *testing.T) {
	known := Answer{Expires: 100 * second}
	for name, c := range map[string]struct {
		e    Evidence
		want Reason
	}{
		"looked up":             {Evidence{Start: 100 * second, Found: true, Answer: known, SeesDNS: true}, Explained},
		"by another host":       {Evidence{Start: 100 * second, Found: true, Answer: Answer{Expires: 100 * second, OtherHost: true}, SeesDNS: true}, Explained},
		"at the end of grace":   {Evidence{Start: 400 * second, Found: true, Answer: known, SeesDNS: true, DoH: true}, Explained},
		"after the grace":       {Evidence{Start: 400*second + 1, Found: true, Answer: known, SeesDNS: true}, LookupExpired},
		"expired, and with DoH": {Evidence{Start: 500 * second, Found: true, Answer: known, SeesDNS: true, DoH: true}, LookupExpired},
		"expired and exempt":    {Evidence{Start: 500 * second, Found: true, Answer: known, SeesDNS: true, Exempt: true}, Explained},
		"never looked up":       {Evidence{SeesDNS: true}, NoLookup},
		"with DoH":              {Evidence{SeesDNS: true, DoH: true}, DoHSuspected},
		"exempt":                {Evidence{SeesDNS: true, Exempt: true}, Explained},
		"without DNS":           {Evidence{DoH: true}, NoDNSSeen},
		"mDNS alone, expired":   {Evidence{Start: 500 * second, Found: true, Answer: known}, NoDNSSeen},
		"without DNS, exempt":   {Evidence{Exempt: true}, Explained},
	} {
		assert.Equal(t, c.want, Explain(&c.e), "%s: %s", name, Explain(&c.e))
	}
}

func TestReasonNames(t *testing.T) {
	seen := map[string]bool{}
	for r := range numReasons {
		assert.NotEmpty(t, r.String())
		assert.False(t, seen[r.String()], r.String())
		seen[r.String()] = true
	}
}

func TestExempt(t *testing.T) {
	networks := []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("2001:db8:1::/48")}
	for addr, want := range map[string]bool{
		"10.1.2.3": true, "172.31.0.1": true, "172.32.0.1": false, "192.168.0.1": true, "100.64.0.1": true, "100.128.0.1": false,
		"169.254.169.254": true, "127.0.0.1": true, "224.0.0.251": true, "255.255.255.255": true, "0.0.0.0": true,
		"::ffff:10.1.2.3": true, "::ffff:192.0.2.1": false, "192.0.2.1": false, "203.0.113.9": false,
		"fd00:ec2::254": true, "fe80::1": true, "::1": true, "ff02::fb": true, "2001:db8::1": false, "2600::1": false,
		"198.51.100.77": true, "::ffff:198.51.100.77": true, "198.51.101.1": false, "2001:db8:1::1": true,
	} {
		assert.Equal(t, want, Exempt(netip.MustParseAddr(addr), networks), addr)
	}
}

func TestIsResolver(t *testing.T) {
	for name, want := range map[string]bool{
		"dns.google": true, "DNS.Google": true, "mozilla.cloudflare-dns.com": true, "abc123.dns.nextdns.io": true,
		"cloudflare.com": false, "notdns.google": false, "google": false, "": false, "dns.google.example": false, "www.quad9.net": false,
	} {
		assert.Equal(t, want, IsResolver(netip.Addr{}, name), name)
	}
	for addr, want := range map[string]bool{
		"8.8.8.8": true, "::ffff:1.1.1.1": true, "1.0.0.3": true, "2606:4700:4700::1111": true, "9.9.9.11": true, "149.112.112.112": true,
		"8.8.8.9": false, "1.1.1.4": false, "192.0.2.1": false, "2606:4700::1": false,
	} {
		assert.Equal(t, want, IsResolver(netip.MustParseAddr(addr), ""), addr)
	}
}

// Prefixes are found by their first two bytes.
func TestResolverNetworks(t *testing.T) {
	for _, list := range resolverNetworks {
		for _, p := range list {
			assert.GreaterOrEqual(t, p.Bits(), 16, p)
			assert.True(t, IsResolver(p.Addr(), ""), p)
		}
	}
}
