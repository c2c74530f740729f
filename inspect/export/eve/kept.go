package eve

import (
	"encoding/binary"
	"hash/maphash"
	"net/netip"

	"github.com/mirrorsink/mirrorsink/inspect/event"
)

// kept is text that a Writer printed and will print again. Most of a line repeats an earlier one: it says which flow it is about, which
// mirror session, and what the policy says. Each has one place in a table, where another one replaces it. So the memory is fixed.
type kept struct {
	clock    clock
	sessions [keptSessions]session
	flows    [keptFlows]head
	verdicts [keptVerdicts]verdict
	seed     maphash.Seed // of the places of verdicts
}

const (
	keptFlows    = 512 // most events of a flow come shortly after each other: ten times as many flows give 2 % more hits
	keptSessions = 256
	keptVerdicts = 128
)

func newKept() *kept {
	return &kept{clock: clock{text: [len(firstSecond)]byte([]byte(firstSecond))}, seed: maphash.MakeSeed()}
}

// A head is the text of the members that all events of a flow have in common.
type head struct {
	of   endpoints
	id   uint16 // where the text of flow_id ends
	ends uint16 // where the text up to proto, or to the ICMP code, ends
	len  uint16 // where the text of community_id ends. 0: the place is free
	text [len(longestHead)]byte
}

// longestHead has the longest text of each member. Flows without ports have less: the type and the code of ICMP are shorter.
const longestHead = `"flow_id":18446744073709551615,"vlan":[65535,65535,65535],` +
	`"src_ip":"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff","src_port":65535,` +
	`"dest_ip":"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff","dest_port":65535,"ip_v":6,"proto":"RSVP-E2E-IGNORE",` +
	`"community_id":"1:AAAAAAAAAAAAAAAAAAAAAAAAAAA=",`

// endpoints is all of an event that its head is made of. A flow's ID alone is not enough: it is a hash, and a flow can turn round.
type endpoints struct {
	flowID           uint64
	src, dst         [16]byte
	srcPort, dstPort uint16
	vlans            [len(event.Event{}.VLANs)]uint16
	numVLANs         uint8
	ipProto          uint8
	ipVersion        uint8
	icmpType         uint8
	icmpCode         uint8
	fragments        bool
	byICMPType       bool // whether the initiator is known by the ICMP type: then a reply's community_id is that of its request
}

func endpointsOf(e *event.Event) endpoints {
	return endpoints{
		flowID: e.FlowID, src: e.Src, dst: e.Dst, srcPort: e.SrcPort, dstPort: e.DstPort, vlans: e.VLANs, numVLANs: e.NumVLANs,
		ipProto: e.IPProto, ipVersion: e.IPVersion, icmpType: e.ICMPType, icmpCode: e.ICMPCode,
		fragments: e.Flow.Fragments, byICMPType: e.Initiator == event.ByICMPType,
	}
}

// head returns the head of an event. It is valid until the next call.
func (k *kept) head(e *event.Event) *head {
	h := &k.flows[e.FlowID%keptFlows]
	if of := endpointsOf(e); h.of != of || h.len == 0 {
		h.print(e)
		h.of = of
	}
	return h
}

func (h *head) print(e *event.Event) {
	l := line{b: h.text[:0]}
	l.uint("flow_id", e.FlowID)
	h.id = uint16(len(l.b))
	l.endpoints(e)
	h.ends = uint16(len(l.b))
	l.communityID(e)
	h.len = uint16(len(l.b))
}

// flowID, endpoints and communityID return the text of their members, each with a comma at its end.

func (h *head) flowID() []byte      { return h.text[:h.id] }
func (h *head) endpoints() []byte   { return h.text[h.id:h.ends] }
func (h *head) communityID() []byte { return h.text[h.ends:h.len] }

// A session is the text of the members that describe a mirror session.
type session struct {
	of   sessionKey
	len  uint16 // 0: the place is free
	text [480]byte
}

// sessionKey is all of an event that the text is made of. Owners do not change, and one that is kept here cannot be another one at the
// same place in memory.
type sessionKey struct {
	outer     netip.Addr
	owner     *event.Owner
	vni       uint32
	tag       uint16
	direction event.Direction
}

// place returns the index in the table of sessions.
func (s *sessionKey) place() uint64 {
	outer := s.outer.As16()
	hash := (uint64(binary.LittleEndian.Uint32(outer[12:]))<<32 | uint64(s.vni)) * 0x9e37_79b9_7f4a_7c15
	return (hash>>32 + uint64(s.direction)) % keptSessions
}

// session writes the members that describe the event's mirror session.
func (l *line) session(e *event.Event) {
	of := sessionKey{e.Outer, e.Owner, e.VNI, e.Tag, e.Direction}
	s := &l.kept.sessions[of.place()]
	if s.of == of && s.len > 0 {
		l.b = append(l.b, s.text[:s.len]...)
		return
	}
	begin := len(l.b)
	l.printSession(e)
	text := l.b[begin:]
	if len(text) > len(s.text) { // the texts of an inventory may be of any length
		return
	}
	s.of, s.len = of, uint16(copy(s.text[:], text))
}

// A verdict is the text of the members that say what the policy says of a flow.
type verdict struct {
	of   event.Verdict // without To, which is not printed
	len  uint16        // 0: the place is free
	text [320]byte     // for names of 64 bytes
}

// verdict writes what the policy says of a flow.
func (l *line) verdict(v *event.Verdict) {
	of := *v
	of.To = ""
	place := maphash.String(l.kept.seed, of.Rule) ^ maphash.String(l.kept.seed, of.Workload) ^ uint64(len(of.Reason)+len(of.By)<<4)
	k := &l.kept.verdicts[place%keptVerdicts]
	if k.of == of && k.len > 0 {
		l.b = append(l.b, k.text[:k.len]...)
		return
	}
	begin := len(l.b)
	l.printVerdict(v)
	if text := l.b[begin:]; len(text) <= len(k.text) {
		k.of, k.len = of, uint16(copy(k.text[:], text))
	}
}
