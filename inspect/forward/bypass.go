package forward

import (
	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/flow"
	"github.com/mirrorsink/mirrorsink/inspect/l7"
	"github.com/mirrorsink/mirrorsink/inspect/stream"
)

// parsed is what the parsers of a flow reported, as the bypass rules need it.
type parsed struct {
	flags parsedFlags
	tlsRecords
	httpBody
}

// parsedFlags are facts about a flow, or about one of its sides.
type parsedFlags uint8

const (
	tlsHellos      parsedFlags = 1 << iota // both hellos were parsed
	quicHello                              // the client's hello was parsed
	bodySized                              // of a side, shifted by its number: the length of the body is known
	_                                      // the other side
	bodyUntilClose                         // of a side, likewise: what follows is body until the connection ends
	_                                      // the other side
	quicPublic                             // the hello had the public header of Google's versions up to Q043
)

// bypass finds the first rule that excludes a packet.
func (s *Selector) bypass(r *flow.Record, f *flowState, p *Packet) (event.Exclusion, bool) {
	if p.Proto == decap.TCP && s.rules.has[BypassTLS] {
		f.walkSegment(p)
		if p.PayloadLen == 0 && f.isRedundantACK(p) {
			return event.BypassTLS, s.hasRule(BypassTLS, f)
		}
	}
	if alwaysForwarded(p) {
		return 0, false
	}
	for i := range s.rules.list {
		if part := s.rules.list[i].Bypass; f.matchesRule(i) && s.covers(part, i, r, f, p) {
			return bypassReasons[part], true
		}
	}
	return 0, false
}

// hasRule reports whether a rule of a kind applies to a flow.
func (s *Selector) hasRule(part Bypass, f *flowState) bool {
	for i := range s.rules.list {
		if s.rules.list[i].Bypass == part && f.matchesRule(i) {
			return true
		}
	}
	return false
}

// alwaysForwarded reports whether a packet is forwarded whatever the rules are.
func alwaysForwarded(p *Packet) bool {
	return p.PayloadLen == 0 || p.Proto == decap.TCP && (!p.HasTCP || p.TCPFlags&(decap.SYN|decap.FIN|decap.RST) != 0)
}

// covers reports whether a packet lies in a part of its flow. rule is the number of the rule, for BypassAfter.
func (s *Selector) covers(part Bypass, rule int, r *flow.Record, f *flowState, p *Packet) bool {
	switch part {
	case BypassTLS:
		return p.Proto == decap.TCP && f.isEncryptedTLS(r, p)
	case BypassQUIC:
		return p.Proto == decap.UDP && f.isEncryptedQUIC(p.Payload)
	case BypassHTTP:
		return p.Proto == decap.TCP && s.inBody(r, f, p)
	case BypassAfter:
		return f.exceeded>>rule&1 != 0
	default:
		return false
	}
}

// updateSizes notes which rules' sizes a flow has reached. They count from the next packet on.
func (s *Selector) updateSizes(r *flow.Record, f *flowState) {
	if !s.rules.has[BypassAfter] {
		return
	}
	sum := r.Payload(0) + r.Payload(1)
	for i := range s.rules.list {
		if rule := &s.rules.list[i]; rule.Bypass == BypassAfter && sum >= rule.Bytes {
			f.exceeded |= 1 << i
		}
	}
}

// MessageRead notes a message that was parsed. A partial one says nothing about what follows it.
func (s *Selector) MessageRead(r *flow.Record, m *stream.Message) {
	if s == nil || m.Partial {
		return
	}
	switch part := l7.Table[m.Proto].Bypass; {
	case part == l7.BypassBody:
		s.state(r).noteHTTP(m)
	case part == l7.BypassRecords && m.Hint.Next == l7.Stop:
		s.state(r).noteTLSHello(m.Side, m.Seq, m.Data)
	case part == l7.BypassPackets && m.Hint.Next == l7.Stop && m.Hint.Role == l7.Request:
		s.state(r).noteQUICHello(m.Data)
	}
}

// StreamDone notes that both directions of a TCP stream have nothing left to parse.
func (s *Selector) StreamDone(r *flow.Record, proto l7.Proto) {
	if s != nil && l7.Table[proto].Bypass == l7.BypassRecords {
		s.state(r).noteTLSHellos(r)
	}
}

// StreamSwitched discards what was parsed of a TCP stream that continues in another protocol.
func (s *Selector) StreamSwitched(r *flow.Record) {
	if s != nil {
		s.state(r).parsed = parsed{}
	}
}

// isPast reports whether a segment begins at a mark or after it. The mark follows at a distance, since sequence numbers
// wrap.
func isPast(mark *uint32, seq uint32) bool {
	const far = 1 << 30
	ahead := seq - *mark
	if ahead > far && ahead < 2*far {
		*mark = seq - far/2
	}
	return ahead < 2*far
}
