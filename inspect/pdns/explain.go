package pdns

import (
	"net/netip"
	"slices"
)

// Reason is why no lookup explains an outbound flow, whose client connected directly to an address.
type Reason uint8

// Reasons. All but Explained mean that the client did not get the address from an answer that was seen.
const (
	Explained     Reason = iota // a lookup explains the flow, or it needs none
	NoLookup                    // the address was never an answer
	LookupExpired               // it was an answer, but its TTL and Grace were over
	DoHSuspected                // it was never an answer, but the client uses a resolver with TLS or QUIC
	NoDNSSeen                   // no DNS responses were seen on this session, so nothing can be concluded
	numReasons
)

var reasons = [numReasons]string{
	Explained: "explained", NoLookup: "no_lookup", LookupExpired: "lookup_expired", DoHSuspected: "doh_suspected",
	NoDNSSeen: "no_dns_seen",
}

// String returns the spelling of the reason in records.
func (r Reason) String() string { return reasons[r] }

// Evidence is what is known of the destination and the client of an outbound flow when the flow starts.
type Evidence struct {
	Start   int64  // of the flow
	Exempt  bool   // see Exempt
	Found   bool   // Cache.Lookup found the address
	Answer  Answer // if Found
	SeesDNS bool   // Cache.Armed
	DoH     bool   // Cache.DoH
}

// Explain returns Explained if a lookup explains a flow, or else the reason why none does. A lookup by another host explains it
// too, since hosts share resolvers and pass addresses to each other.
func Explain(e *Evidence) Reason {
	switch {
	case e.Exempt:
		return Explained
	case e.Found && e.Start <= e.Answer.Expires+int64(Grace):
		return Explained
	case !e.SeesDNS:
		return NoDNSSeen
	case e.Found:
		return LookupExpired
	case e.DoH:
		return DoHSuspected
	}
	return NoLookup
}

// shared is the address space between a provider and its customers (RFC 6598). Many networks use it as another private range.
var shared = netip.MustParsePrefix("100.64.0.0/10")

// Exempt reports whether connections to an address need no lookup: the address is local (private, shared, link-local, loopback,
// multicast, broadcast) or in one of the user's networks. Addresses for documentation are not exempt, since nothing should
// connect to them.
func Exempt(addr netip.Addr, networks []netip.Prefix) bool {
	addr = addr.Unmap()
	switch {
	case addr.IsPrivate(), addr.IsLoopback(), addr.IsUnspecified(), addr.IsMulticast(), addr.IsLinkLocalUnicast():
		return true
	case shared.Contains(addr), addr == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return true
	}
	return slices.ContainsFunc(networks, func(p netip.Prefix) bool { return p.Contains(addr) })
}
