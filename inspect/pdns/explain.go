package pdns

import (
	"net/netip"
	"slices"
)

// Reason says why no lookup explains an outbound flow: its client connected directly to an address.
type Reason uint8

// Reasons. All but Explained say that the address came from elsewhere than from an answer that was seen.
const (
	Explained     Reason = iota // by a lookup, or it needs none
	NoLookup                    // the address was never an answer
	LookupExpired               // it was one, but the TTL and the grace were over
	DoHSuspected                // it was none, but the client speaks with a resolver by TLS or QUIC
	NotArmed                    // no answers were seen on this tap at all: nothing can be said
	numReasons
)

var reasons = [numReasons]string{
	Explained: "explained", NoLookup: "no_lookup", LookupExpired: "lookup_expired", DoHSuspected: "doh_suspected",
	NotArmed: "not_armed",
}

// String returns the spelling of the reason in records.
func (r Reason) String() string { return reasons[r] }

// Evidence is what is known of the destination of an outbound flow and of its client when the flow starts.
type Evidence struct {
	Start  int64  // of the flow
	Exempt bool   // see Exempt
	Found  bool   // Cache.Lookup found the address
	Answer Answer // if it did
	Armed  bool   // Cache.Armed
	DoH    bool   // Cache.DoH
}

// Explain says whether a lookup explains a flow, and if not, why not. A lookup by another host explains it too: hosts
// share resolvers, and names with each other.
func Explain(e *Evidence) Reason {
	switch {
	case e.Exempt:
		return Explained
	case e.Found && e.Start <= e.Answer.Expires+int64(Grace):
		return Explained
	case !e.Armed:
		return NotArmed
	case e.Found:
		return LookupExpired
	case e.DoH:
		return DoHSuspected
	}
	return NoLookup
}

// shared is the address space between a provider and its customers (RFC 6598), which many use as another private range.
var shared = netip.MustParsePrefix("100.64.0.0/10")

// Exempt reports whether an address needs no lookup: it is within the site (private, shared, link-local, loopback,
// multicast, broadcast), or in one of the networks that the user names. Addresses for documentation are not exempt, since
// nothing should connect to them.
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
