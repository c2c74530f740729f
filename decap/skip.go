package decap

// A TunnelSkip is why a tunnel was not entered. The packet then counts for the flow of the tunnel itself. The names are values of a metric's
// label and do not change between versions.
type TunnelSkip uint8

// Why a tunnel was not entered.
const (
	TunnelEntered    TunnelSkip = iota // it was, or the packet is of no tunnel, or of its control protocol
	TunnelVersion                      // a version or a variant of the header that is not known
	TunnelEncrypted                    // what it carries is encrypted or compressed
	TunnelFragmented                   // the tunnel itself cut the packet into fragments
	TunnelNotIP                        // what it carries is complete and not IP: ARP, spanning tree, a protocol that is not known
	TunnelMalformed                    // the header, or the packet behind it, is invalid
	TunnelTruncated                    // the copy was truncated before the end of the IP header inside
	TunnelSkips                        // the number of reasons; not a reason
)

var tunnelSkipNames = [TunnelSkips]string{
	TunnelEntered:    "entered",
	TunnelVersion:    "version",
	TunnelEncrypted:  "encrypted",
	TunnelFragmented: "fragmented",
	TunnelNotIP:      "not_ip",
	TunnelMalformed:  "malformed",
	TunnelTruncated:  "truncated",
}

// String returns the reason's name, as metrics and summaries show it.
func (s TunnelSkip) String() string {
	if s < TunnelSkips {
		return tunnelSkipNames[s]
	}
	return "unknown"
}

// skip leaves the packet the tunnel's own.
func (d decoder) skip(why TunnelSkip) Reason {
	d.p.TunnelSkip = why
	return OK
}

// skipShort is skip for a header that does not fit into what was captured.
func (d decoder) skipShort(missing int) Reason { return d.skip(whyShort(missing)) }

// whyShort returns why something that is expected is not there.
func whyShort(missing int) TunnelSkip {
	if missing > 0 {
		return TunnelTruncated
	}
	return TunnelMalformed
}

// skipOf returns why a tunnel is not entered whose content has a reason other than OK.
func skipOf(r Reason, missing int) TunnelSkip {
	switch r {
	case NotIP:
		return TunnelNotIP
	case ShortFrame:
		return whyShort(missing)
	default:
		return TunnelMalformed
	}
}
