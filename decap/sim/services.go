package sim

import (
	"net/netip"
	"slices"

	"github.com/mirrorsink/mirrorsink/decap"
)

// Addresses of services that an instance reaches on its own link, over IPv4 and IPv6.
var (
	metadata   = [...]netip.Addr{netip.MustParseAddr("169.254.169.254"), netip.MustParseAddr("fd00:ec2::254")}
	timeSync   = [...]netip.Addr{netip.MustParseAddr("169.254.169.123"), netip.MustParseAddr("fd00:ec2::123")}
	activation = [...]netip.Addr{netip.MustParseAddr("169.254.169.250"), netip.MustParseAddr("169.254.169.251"),
		netip.MustParseAddr("fd00:ec2::250"), netip.MustParseAddr("fd00:ec2::251")}
	resolver = [...]netip.Addr{netip.MustParseAddr("169.254.169.253"), netip.MustParseAddr("fd00:ec2::253")}
)

// neverMirrored reports what AWS mirrors under no filter: ARP, DHCP, instance metadata, Amazon Time Sync, Windows
// activation. What is not IP is ARP, or nothing that a VPC carries.
func (h *headers) neverMirrored() bool {
	switch {
	case !h.src.IsValid():
		return true
	case h.between(metadata[:]):
		return true
	case h.proto == decap.UDP:
		return h.usesPort(67) || h.usesPort(68) || h.usesPort(546) || h.usesPort(547) ||
			h.usesPort(123) && h.between(timeSync[:])
	case h.proto == decap.TCP:
		return h.usesPort(1688) && h.between(activation[:])
	}
	return false
}

// amazonDNS reports what the network service amazon-dns of a filter stands for, rules or no rules.
func (m *Mirror) amazonDNS(h *headers) bool {
	return h.mayUsePort(53) && (h.between(resolver[:]) || h.between(m.cfg.Resolvers))
}

// amazonDNSAnswer reports whether the packet comes from Amazon's DNS.
func (m *Mirror) amazonDNSAnswer(h *headers) bool {
	return h.mayUsePort(53) && (slices.Contains(resolver[:], h.src) || slices.Contains(m.cfg.Resolvers, h.src))
}

// between reports whether one of the addresses is an end of the packet.
func (h *headers) between(addresses []netip.Addr) bool {
	return slices.Contains(addresses, h.src) || slices.Contains(addresses, h.dst)
}

func (h *headers) usesPort(port uint16) bool { return h.ports && (h.sport == port || h.dport == port) }

// mayUsePort takes later fragments, which do not have the ports, for what the first one is.
func (h *headers) mayUsePort(port uint16) bool {
	return h.usesPort(port) || h.fragment && !h.ports && h.proto == decap.UDP
}
