package pdns

import (
	"net/netip"
	"slices"
	"strings"
)

// resolverDomains are the names of public resolvers with HTTPS, TLS or QUIC, as their operators document them, and of those that
// browsers and systems are delivered with. Subdomains count too: some operators give each customer one.
var resolverDomains = [...]string{
	"dns.google", "dns.google.com", "8888.google", // Google
	"cloudflare-dns.com", "one.one.one.one", "1dot1dot1dot1.com", // Cloudflare; mozilla. and chrome. are below the first
	"dns.quad9.net", "dns9.quad9.net", "dns10.quad9.net", "dns11.quad9.net", "dns12.quad9.net",
	"doh.opendns.com", "dns.opendns.com", "doh.familyshield.opendns.com", "doh.umbrella.com", "dns.umbrella.com", // Cisco
	"dns.nextdns.io", "doh.dns.apple.com", "doh.xfinity.com", "dns.adguard.com", "adguard-dns.com", "dns.mullvad.net",
	"doh.cleanbrowsing.org", "dns.controld.com", "freedns.controld.com", "ordns.he.net", "doh.dns.sb", "dot.sb",
	"wikimedia-dns.org", "dns.digitale-gesellschaft.ch", "dns.switch.ch", "doh.libredns.gr", "doh.applied-privacy.net",
	"dns.alidns.com", "doh.pub", "dot.pub", "doh.360.cn", "dns.twnic.tw", "public.dns.iij.jp", "dns.njal.la",
}

// resolverNetworks are the addresses of the largest of them. Clients are configured with these as often as with names.
var resolverNetworks = prefixes(
	"8.8.8.8/32", "8.8.4.4/32", "2001:4860:4860::8888/128", "2001:4860:4860::8844/128", // Google
	"1.1.1.1/32", "1.1.1.2/31", "1.0.0.1/32", "1.0.0.2/31", "2606:4700:4700::/48", // Cloudflare
	"9.9.9.9/32", "9.9.9.10/31", "9.9.9.12/32", "149.112.112.9/32", "149.112.112.10/31", "149.112.112.12/32",
	"149.112.112.112/32", "2620:fe::/48", // Quad9
	"208.67.222.222/32", "208.67.220.220/32", "208.67.222.220/32", "208.67.220.222/32", "208.67.222.123/32",
	"208.67.220.123/32", "2620:119:35::/48", "2620:119:53::/48", // OpenDNS
	"45.90.28.0/24", "45.90.30.0/24", "2a07:a8c0::/29", // NextDNS
	"94.140.14.0/24", "94.140.15.0/24", "2a10:50c0::/32", // AdGuard
	"185.228.168.0/24", "185.228.169.0/24", // CleanBrowsing
	"76.76.2.0/24", "76.76.10.0/24", // Control D
	"194.242.2.0/24",                                                                      // Mullvad
	"223.5.5.5/32", "223.6.6.6/32", "1.12.12.12/32", "120.53.53.53/32", "119.29.29.29/32", // AliDNS, DNSPod
)

// networks are prefixes by the first two bytes of their addresses. All prefixes are at least 16 bits long.
type networks map[[2]byte][]netip.Prefix

func prefixes(texts ...string) networks {
	all := networks{}
	for _, s := range texts {
		p := netip.MustParsePrefix(s)
		all[start(p.Addr())] = append(all[start(p.Addr())], p)
	}
	return all
}

func (n networks) contain(addr netip.Addr) bool {
	return addr.IsValid() && slices.ContainsFunc(n[start(addr)], func(p netip.Prefix) bool { return p.Contains(addr) })
}

// start returns the first two bytes of an address. They may be the same for an IPv4 and an IPv6 address.
func start(addr netip.Addr) [2]byte {
	if addr.Is4() {
		b := addr.As4()
		return [2]byte(b[:])
	}
	b := addr.As16()
	return [2]byte(b[:])
}

// IsResolver reports whether a server with TLS or QUIC is a public resolver, by its address or by the server name that the client
// asked for. Either may be missing. The lists cannot be complete: a private resolver looks like any other server.
func IsResolver(addr netip.Addr, serverName string) bool {
	if resolverNetworks.contain(addr.Unmap()) {
		return true
	}
	return slices.ContainsFunc(resolverDomains[:], func(domain string) bool { return isWithin(serverName, domain) })
}

// isWithin reports whether a name is a domain or below it. The case of letters does not matter.
func isWithin(name, domain string) bool {
	cut := len(name) - len(domain)
	if cut < 0 || name[len(name)-1]|0x20 != domain[len(domain)-1] || !strings.EqualFold(name[cut:], domain) {
		return false
	}
	return cut == 0 || name[cut-1] == '.'
}
