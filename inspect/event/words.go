package event

import (
	"strings"

	"github.com/mirrorsink/mirrorsink/inspect/l7"
)

// Initiator is the evidence for which end of a flow is its client, in ascending order of weight.
type Initiator uint8

// Evidence for who opened a flow.
const (
	ByFirstPacket Initiator = iota // the sender of the first packet
	ByPorts                        // a system port against another one
	ByBanner                       // the receiver of a server's greeting or response
	ByRequest                      // the sender of an application's request
	ByDNSQuery
	ByHTTPRequest
	ByTLSHello
	ByQUICInitial
	ByICMPType // the sender of an ICMP request
	BySYNACK   // the receiver of the SYN-ACK
	BySYN      // the sender of the SYN
	numInitiators
)

var initiatorNames = [numInitiators]string{
	ByFirstPacket: "first_packet", ByPorts: "ports", ByBanner: "server_banner", ByRequest: "request", ByDNSQuery: "dns_query",
	ByHTTPRequest: "http_request", ByTLSHello: "tls_client_hello", ByQUICInitial: "quic_initial", ByICMPType: "icmp_type",
	BySYNACK: "synack", BySYN: "syn",
}

var initiators = [l7.NumEvidence]Initiator{
	l7.DNSQuery: ByDNSQuery, l7.HTTPRequest: ByHTTPRequest, l7.TLSHello: ByTLSHello, l7.QUICInitial: ByQUICInitial,
}

// InitiatorOf returns the evidence that a request or a response of a protocol is for its sender or receiver as the client.
func InitiatorOf(p l7.Proto, role l7.Role) Initiator {
	switch e := l7.Table[p].Evidence; {
	case e != l7.AnyMessage:
		return initiators[e]
	case role == l7.Request:
		return ByRequest
	default:
		return ByBanner
	}
}

// String returns the spelling of hint.initiator_reason.
func (i Initiator) String() string { return initiatorNames[i] }

// Confidence returns how reliable the evidence is: high for packets that only a client sends, medium for those that servers
// usually send, low for a guess.
func (i Initiator) Confidence() Confidence {
	switch {
	case i >= ByRequest:
		return High
	case i == ByBanner:
		return Medium
	default:
		return Low
	}
}

// Confidence is how reliable a statement is.
type Confidence uint8

// Confidences.
const (
	Low Confidence = iota
	Medium
	High
	numConfidences
)

var confidenceNames = [numConfidences]string{Low: "low", Medium: "medium", High: "high"}

// String returns the spelling of hint.name_confidence and hint.initiator_confidence.
func (c Confidence) String() string { return confidenceNames[c] }

// Direct is why a flow counts as made directly to an address, without a lookup that explains it.
type Direct uint8

// Reasons for direct-to-address.
const (
	NotDirect     Direct = iota // a lookup explains the flow, or it needs none
	NoLookup                    // no answer on that mirror session gave the address
	LookupExpired               // one did, but its TTL and grace were over
	DoHSuspected                // the client uses a public resolver over TLS or QUIC
	NoDNSSeen                   // no DNS answer was seen on that session, so nothing can be concluded
	numDirects
)

var directNames = [numDirects]string{
	NotDirect: "no", NoLookup: "no_lookup", LookupExpired: "lookup_expired", DoHSuspected: "doh_suspected", NoDNSSeen: "no_dns_seen",
}

// String returns the spelling of hint.direct_to_address.
func (d Direct) String() string { return directNames[d] }

// ECH is the class of a client's encrypted hello (RFC 9849). Clients without a key for the server send random bytes (GREASE),
// which look the same.
type ECH uint8

// Classes of encrypted hello.
const (
	ECHNone    ECH = iota // the client sent none
	ECHUnknown            // it sent one; it is not known which kind
	ECHGrease             // the client had no key for the name that it asked for
	ECHReal               // the client had a key: the name in the clear is not that of the server
	numECHs
)

var echNames = [numECHs]string{ECHNone: "none", ECHUnknown: "unknown", ECHGrease: "grease", ECHReal: "real"}

// String returns the spelling of hint.ech.
func (e ECH) String() string { return echNames[e] }

// Conflict is a set of disagreements between the names of a connection.
type Conflict uint8

// Disagreements.
const (
	SNINotInDNS  Conflict = 1 << iota // DNS did not give the address for the server name
	HostNotInSNI                      // the HTTP host and the server name of one connection differ
	Overlap                           // two copies of the same bytes of the connection differ
	numConflicts = iota
)

// Conflicts are the spellings of hint.conflicts, by bit.
var Conflicts = [numConflicts]string{"sni_not_in_dns", "host_ne_sni", "overlap"}

// String returns the spellings with commas between, in the order of the bits.
func (c Conflict) String() string { return conflictTexts[c] }

// conflictTexts are the texts of all sets.
var conflictTexts = func() (all [1 << numConflicts]string) {
	for set := range all {
		var words []string
		for bit, word := range Conflicts {
			if set&(1<<bit) != 0 {
				words = append(words, word)
			}
		}
		all[set] = strings.Join(words, ",")
	}
	return all
}()

// Refusal is why the receiver of a TCP segment would drop it.
type Refusal uint8

// Reasons for refusing a segment.
const (
	NotRefused          Refusal = iota
	BadHeader                   // the header cannot be as long as it says
	WrongChecksum               // a whole packet, while others of its sender have right checksums
	NoACK                       // it has none of the flags ACK, SYN and RST
	WrongACK                    // it acknowledges what was not sent, or bytes from before the connection
	OutOfWindow                 // it lies beyond any window that the receiver announced
	OldTimestamp                // its timestamp is older than its sender's others
	UnexpectedSignature         // it is signed, while others of its sender are not
	OddHopLimit                 // a FIN ahead of the first byte whose hop limit is not that of its sender's other segments
	SYNData                     // data of a SYN that the other side did not acknowledge
	Padding                     // zero bytes of a bare acknowledgment
	NumRefusals
)

var refusalNames = [NumRefusals]string{
	NotRefused: "none", BadHeader: "bad_header", WrongChecksum: "wrong_checksum", NoACK: "no_ack", WrongACK: "wrong_ack",
	OutOfWindow: "out_of_window", OldTimestamp: "old_timestamp", UnexpectedSignature: "unexpected_signature", OddHopLimit: "odd_hop_limit",
	SYNData: "syn_data", Padding: "padding",
}

// String returns the spelling in metrics and stats events.
func (r Refusal) String() string { return refusalNames[r] }

// State is a flow's state, in Suricata's words.
type State uint8

// States of a flow.
const (
	StateNew State = iota
	StateEstablished
	StateClosed
	numStates
)

var stateNames = [numStates]string{StateNew: "new", StateEstablished: "established", StateClosed: "closed"}

// String returns Suricata's spelling of flow.state.
func (s State) String() string { return stateNames[s] }

// TCPState is a TCP connection's state according to its flags, in Suricata's words. A connection has one state, not one for each
// end, so CLOSING, CLOSE_WAIT and TIME_WAIT, which are states of one end, do not occur.
type TCPState uint8

// States of a TCP flow.
const (
	TCPNone TCPState = iota
	TCPSynSent
	TCPSynRecv
	TCPEstablished
	TCPFinWait1
	TCPFinWait2
	TCPLastAck
	TCPClosed
	numTCPStates
)

var tcpStateNames = [numTCPStates]string{
	TCPNone: "none", TCPSynSent: "syn_sent", TCPSynRecv: "syn_recv", TCPEstablished: "established", TCPFinWait1: "fin_wait1",
	TCPFinWait2: "fin_wait2", TCPLastAck: "last_ack", TCPClosed: "closed",
}

// String returns Suricata's spelling of tcp.state.
func (s TCPState) String() string { return tcpStateNames[s] }

// EndReason is why a flow ended, in Suricata's words where it has one.
type EndReason uint8

// Reasons for a flow's end.
const (
	EndTimeout  EndReason = iota // the flow was idle for longer than its state allows
	EndForced                    // evicted: the flow table's memory was used up
	EndShutdown                  // the program, or the capture, ended
	EndReused                    // a new connection began on the same addresses and ports
	numEndReasons
)

var endReasonNames = [numEndReasons]string{EndTimeout: "timeout", EndForced: "forced", EndShutdown: "shutdown", EndReused: "tcp_reuse"}

// String returns Suricata's spelling of flow.reason.
func (r EndReason) String() string { return endReasonNames[r] }
