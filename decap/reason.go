package decap

// A Reason is the outcome of decoding a datagram. Each datagram has exactly one, so the counts of all reasons add up to the datagrams
// received. The names are values of a metric's label and do not change between versions.
type Reason uint8

// OK, and why a datagram was not decoded.
const (
	OK              Reason = iota // an inner IP packet was found and is accounted to a flow
	Fragment                      // an inner IP fragment, held for reassembly or accounted by its addresses
	NotIP                         // a complete frame without IP in it: ARP, LLDP, spanning tree
	ShortEnvelope                 // truncated within the outer headers, the VXLAN or the GENEVE header
	NoVNI                         // VXLAN with the I flag clear (RFC 7348 section 5)
	BadEnvelope                   // an invalid outer header: GENEVE of another version or protocol, a wrong outer IP header
	NotEncapsulated               // a plain frame where only mirrored ones are accepted
	SourceRefused                 // the outer source is not on the allow-list
	VNIRefused                    // the VNI is not on the allow-list
	ShortFrame                    // the inner frame is truncated before the end of its innermost IP header
	BadIP                         // an invalid inner IP header: version, header length, total length
	TooDeep                       // more than MaxDepth nested tunnels
	LinkUnknown                   // a link type that is not decoded, such as IEEE 802.11
	Reasons                       // the number of reasons; not a reason
)

var reasonNames = [Reasons]string{
	OK:              "ok",
	Fragment:        "fragment",
	NotIP:           "not_ip",
	ShortEnvelope:   "short_envelope",
	NoVNI:           "no_vni",
	BadEnvelope:     "bad_envelope",
	NotEncapsulated: "not_encapsulated",
	SourceRefused:   "source_refused",
	VNIRefused:      "vni_refused",
	ShortFrame:      "short_frame",
	BadIP:           "bad_ip",
	TooDeep:         "too_deep",
	LinkUnknown:     "link_unknown",
}

// String returns the reason's name, as metrics and summaries show it.
func (r Reason) String() string {
	if r < Reasons {
		return reasonNames[r]
	}
	return "unknown"
}
