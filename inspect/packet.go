package inspect

import (
	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/dedup"
	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/flow"
	"github.com/mirrorsink/mirrorsink/inspect/naming"
	"github.com/mirrorsink/mirrorsink/inspect/stream"
)

// Packet accounts a packet that was looked up to its flow and lets the parsers read its payload. copies reports that packets may be
// mirrored at both ends. It returns the flow's record, and whether the packet's other copy came before.
func (t *Tracker) Packet(it *Item, v Volume, copies bool) (r *flow.Record, duplicate bool) {
	p, s := &it.Packet, it.side
	r, started, refused := t.record(it, v)
	if !it.partial {
		countOddities(&t.stats, p)
	}
	if p.Mirrored && t.passesAgain(r, s, it, v) {
		if copies && !it.unread {
			t.findCopy(r, s, p, v.Last) // the interface at the other end of this way has a copy too
		}
		return r, true
	}
	t.intervals.tick(v.Last) // a packet that another worker reassembled may be ahead of the clock
	t.intervals.flushPrevious(r)
	t.activity.tick(v.Last)
	t.activity.seen(r, started)
	end := r.End
	r.Count(s, p, v.Packets, v.Bytes, v.Last)
	if p.Mirrored {
		t.attribute(r, s, p, v)
	}
	if started {
		t.forward.Begin(r, s, p)
		t.ordered.FlowStarted(r)
		t.opened(r)
	}
	t.intervals.count(r, s, p, v)
	if p.Mirrored && copies && !it.unread {
		duplicate = t.findCopy(r, s, p, v.Last)
	}
	t.read(r, it, v, refused)
	if it.astray {
		r.End = end // it does not disturb the quiet of the connection
	}
	t.flows.Active(r)
	return r, duplicate
}

// read lets the parsers read a packet's payload, and accounts a segment.
func (t *Tracker) read(r *flow.Record, it *Item, v Volume, refused event.Refusal) {
	p, s := &it.Packet, it.side
	switch {
	case it.unread:
	case p.Proto == decap.UDP:
		t.streams.Datagram(r, s, p.Payload, v.Last)
	case refused != event.NotRefused:
		t.refuse(r, stream.Segment{Side: s, Nanos: v.Last, Packet: p}, refused)
	case p.Proto == decap.TCP && p.HasTCP:
		t.segment(r, it, v.Last)
	}
}

// segment accounts a TCP segment that was not refused: at once if its order among others decides nothing.
func (t *Tracker) segment(r *flow.Record, it *Item, nanos int64) {
	p, s := &it.Packet, it.side
	switch {
	case r.Waiting():
		t.gate.Segment(r, s, p, nanos, t.clock)
	case it.plain && (it.countOnly || p.PayloadLen == 0 && r.Stream == 0):
		r.Arrival(s, p).Take()
	case it.countOnly && r.TCPState == event.TCPEstablished && r.BothSides():
		t.segments.Deliver(r, s, p, nanos) // bytes that were acknowledged before they came are not missing any more when they come
	default:
		t.gate.Segment(r, s, p, nanos, t.clock)
	}
}

// refuse takes a segment that its receiver would drop.
func (t *Tracker) refuse(r *flow.Record, seg stream.Segment, why event.Refusal) {
	t.stats.Refused[why]++
	if why == event.WrongChecksum {
		t.streams.Refused(r, seg)
	}
}

// The first packets of a side show whether the mirrored interface passes them on, and now and then some later ones: a burst may come before
// the first second copy.
const (
	passFirst = 8
	passSome  = 64
	passEvery = 1 << 11
)

// passesAgain reports whether a packet is the second copy of one at a session whose interface receives and sends it. Such copies are only
// counted as such. Whether a packet is one depends on packets of the same flow alone.
func (t *Tracker) passesAgain(r *flow.Record, s flow.Side, it *Item, v Volume) bool {
	n := r.Packets[s]
	if n >= passFirst && (n < passEvery || n%passEvery >= passSome) && !flow.Passes(r) || it.partial {
		return false
	}
	if !t.passes.Again(&it.Packet, it.hash+uint64(s), v.Last) || n == 0 {
		return false
	}
	t.stats.SecondCopies += uint64(v.Packets)
	flow.SetPasses(r)
	return true
}

// segments is the causal.Handler of a Tracker.
type segments struct {
	*stream.Table
	tracker *Tracker
}

// Deliver implements causal.Handler: it judges a segment, in the order of its connection, accounts it, and lets the parsers read its
// payload.
func (h *segments) Deliver(r *flow.Record, s flow.Side, p *decap.Packet, nanos int64) {
	t := h.tracker
	var v flow.Verdict
	if a := r.Arrival(s, p); !a.Plain() || p.PayloadLen > 0 && h.Reads(r, p) && !a.Usual() {
		if v = a.Judge(); v.Refused != event.NotRefused {
			t.stats.Refused[v.Refused]++
			return
		}
	}
	if p.TCPFlags&decap.SYN != 0 && r.OpenedWith(s, p) || r.BeginsWith(s) {
		t.opened(r)
	}
	next, known := r.Next(s)
	if !v.Unsure {
		t.countSegment(r, s, p)
	}
	if !known {
		next = p.Seq + uint32(p.TCPFlags&decap.SYN)/decap.SYN
	} else if p.TCPFlags&decap.SYN != 0 {
		if first, _ := r.Next(s); first != next {
			h.Restart(r, s)
		}
	}
	h.Feed(r, stream.Segment{Side: s, Nanos: nanos, Packet: p, Next: next, Doubtful: v.Doubtful})
}

// Assembled accounts a packet that Reassembler.Decode decoded, as far as its fragments came, to its flow: to that of its ports, or to one of
// its addresses alone if they are not known.
func (t *Tracker) Assembled(it *Item, v Volume, copies bool) {
	if it.Reason == decap.OK {
		t.identify(it)
		if it.badSum {
			t.stats.ReassembledBad++
		}
	} else {
		it.partial, it.unread = true, true
		it.Packet.PayloadLen, it.Packet.Payload = 0, nil
		t.identify(it)
		it.key.LoPort, it.key.HiPort = 0, 0
		it.key.Version |= decap.FragmentKey
		it.hash = flow.Hash(&it.key)
	}
	t.Packet(it, v, copies)
}

// countOddities counts what is odd about a packet.
func countOddities(c *event.Counters, p *decap.Packet) {
	if p.ReservedBits {
		c.ReservedBits++
	}
	if p.Truncated {
		c.Truncated++
	}
	if p.BadChecksum {
		c.BadChecksum++
	}
	if p.TunnelSkip != decap.TunnelEntered {
		c.TunnelSkips[p.TunnelSkip]++
	}
}

// record returns the flow's record, which is new if the packet is the first one, or opens another connection on the same addresses and
// ports. It also returns why the receiver of a TCP segment would drop it, as far as the segment shows that by itself.
func (t *Tracker) record(it *Item, v Volume) (r *flow.Record, started bool, refused event.Refusal) {
	r, started = t.flows.Get(&it.key, it.hash, v.First)
	t.compare(r, it)
	if it.Packet.Proto == decap.TCP && it.Packet.HasTCP && !it.unread {
		refused = t.examine(r, it)
		if !started && refused == event.NotRefused && !it.plain {
			if place := r.Arrival(it.side, &it.Packet).Place(v.First, stream.Begins); place != flow.Within {
				r, started, refused = t.elsewhere(r, it, v, place)
			}
		}
	}
	if started {
		t.stats.FlowsNew++
		r.VLANs = t.vlans.number(&it.Packet)
		guessOpener(r, it.side, &it.Packet)
	}
	return r, started, refused
}

// elsewhere takes a segment that is not within the flow's connection: it begins another one, or its receiver drops it. In the second case it
// is astray: it may be the end of a handshake of which the rest was lost. Second copies of what an interface passes on may come after the end
// of their connection.
func (t *Tracker) elsewhere(r *flow.Record, it *Item, v Volume, place flow.Place) (_ *flow.Record, started bool, refused event.Refusal) {
	if it.Packet.Mirrored && !it.partial && t.passes.Again(&it.Packet, it.hash+uint64(it.side), v.Last) {
		flow.SetPasses(r) // it is the second copy of one of the connection's own: see passesAgain
		return r, false, event.NotRefused
	}
	if place == flow.Astray {
		refused = r.Arrival(it.side, &it.Packet).Judge().Refused
		it.astray = refused != event.NotRefused
		return r, false, refused
	}
	t.flows.End(r, event.EndReused, v.First)
	r, started = t.flows.Get(&it.key, it.hash, v.First)
	t.compare(r, it)
	return r, started, t.examine(r, it)
}

// compare finds out what a packet is to its flow, and verifies its checksums. That of payload which no parser reads and which is not
// forwarded decides nothing, and is not computed.
func (t *Tracker) compare(r *flow.Record, it *Item) {
	const odd = decap.SYN | decap.FIN | decap.RST
	p := &it.Packet
	it.astray = false
	it.plain = p.HasTCP && r.Arrival(it.side, p).Plain()
	it.countOnly = (p.Proto == decap.UDP || p.Proto == decap.TCP && p.TCPFlags&(odd|decap.ACK) == decap.ACK) && !t.streams.Reads(r, p)
	switch {
	case it.partial:
	case it.countOnly && !t.forward.Active():
		p.VerifyHeader()
	default:
		p.VerifyChecksums()
	}
}

// examine returns why the receiver of a segment would drop it, as far as the segment shows that by itself. It reads the rest of the header
// only where that decides something.
func (t *Tracker) examine(r *flow.Record, it *Item) event.Refusal {
	p := &it.Packet
	if it.countOnly && !p.BadChecksum {
		p.TCP = decap.TCPHeader{}
		return event.NotRefused
	}
	p.ReadTCPHeader()
	return r.Arrival(it.side, p).Examine()
}

// guessOpener guesses which side opened a flow from its first packet. Better evidence may turn the flow round later.
func guessOpener(r *flow.Record, s flow.Side, p *decap.Packet) {
	r.OpenedBy(s, event.ByFirstPacket)
	switch {
	case p.Proto == decap.TCP && p.HasTCP && p.TCPFlags&decap.SYN != 0:
		r.OpenedWith(s, p)
	case p.Proto == decap.ICMP || p.Proto == decap.ICMPv6:
		if request, known := p.ICMPRequest(); known && request {
			r.OpenedBy(s, event.ByICMPType)
		} else if known {
			r.OpenedBy(1-s, event.ByICMPType)
		}
	case isService(p.DstPort) && !isService(p.SrcPort):
		r.OpenedBy(s, event.ByPorts)
	case isService(p.SrcPort) && !isService(p.DstPort):
		r.OpenedBy(1-s, event.ByPorts)
	}
}

// isService distinguishes the system ports (RFC 6335), on which servers wait, from those that clients pick.
func isService(port uint16) bool { return port != 0 && port < 1024 }

// countSegment accounts a TCP header.
func (t *Tracker) countSegment(r *flow.Record, s flow.Side, p *decap.Packet) {
	seen := r.Segment(s, p, t.flows.Gaps())
	if seen.Gap > 0 {
		t.stats.Gaps++
	}
	if seen.Retransmit {
		t.stats.Retransmits++
	}
}

// attribute counts packets of interfaces that the inventory does not know, and finds which side of its flow is the mirrored interface's
// own, unless an earlier packet showed it.
func (t *Tracker) attribute(r *flow.Record, s flow.Side, p *decap.Packet, v Volume) {
	if t.sessions.Owner(r.Key.Session) == nil && t.sessions.HasInventory() {
		t.stats.Unattributed += uint64(v.Packets)
	}
	if _, known := r.Own(); known {
		return
	}
	switch t.sessions.Direction(r.Key.Session, p) {
	case event.Egress:
		r.OwnedBy(s)
	case event.Ingress:
		r.OwnedBy(1 - s)
	case event.NoDirection:
	}
}

// opened reports who opened a flow, when it starts and again when it is turned round.
func (t *Tracker) opened(r *flow.Record) {
	k := &r.Key
	if k.Proto != decap.TCP && k.Proto != decap.UDP || k.Version&decap.FragmentKey != 0 {
		return
	}
	t.ordered.FlowOpened(r, naming.Outbound(r, t.sessions, t.exempt))
}

// findCopy looks for the other copy of a packet that is mirrored at both ends. Both observations are kept, and are joined. It reports
// whether this one is the second.
func (t *Tracker) findCopy(r *flow.Record, s flow.Side, p *decap.Packet, nanos int64) (duplicate bool) {
	direction := t.direction(r, s, p)
	if direction == event.NoDirection {
		return false
	}
	partner, duplicate := t.ordered.CopySeen(r, s, p, dedup.Copy{
		Session: uint32(r.Key.Session), Flow: t.flows.Ref(r), Direction: direction, Provisional: t.forward.Provisional(r, nanos), Nanos: nanos,
	})
	if !duplicate {
		return false
	}
	if partner != nil {
		t.intervals.flushPrevious(partner) // it was not paired yet when that window ended
		partner.Paired = r.Key.Session
	}
	t.forward.Link(r, partner)
	return true
}

// direction returns a packet's direction at the interface that mirrored it. Its frame shows it better than its flow, whose packets a
// router both receives and sends.
func (t *Tracker) direction(r *flow.Record, s flow.Side, p *decap.Packet) event.Direction {
	if d := t.sessions.DirectionByMAC(r.Key.Session, p); d != event.NoDirection {
		return d
	}
	switch own, known := r.Own(); {
	case !known:
		return event.NoDirection
	case own == s:
		return event.Egress
	default:
		return event.Ingress
	}
}
