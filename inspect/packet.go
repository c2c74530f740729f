package inspect

import (
	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/flow"
)

// volume is what a packet adds to its flow: one datagram's worth, or that of all its fragments.
type volume struct {
	packets     uint32
	bytes       uint64
	first, last int64 // Unix nanoseconds
}

func one(p *decap.Packet, nanos int64) volume {
	return volume{1, uint64(p.IPLen), nanos, nanos}
}

// identify finds out which flow a packet belongs to.
func (w *Worker) identify(it *item) {
	session, ok := uint16(0), true
	if it.pkt.Mirrored {
		session, ok = w.sessions.Number(it.pkt.Outer.Addr(), it.pkt.VNI)
	}
	if !ok {
		w.stats.SessionsRefused++
	}
	key, reverse := it.pkt.Key(session)
	it.key, it.side = key, 0
	if reverse {
		it.side = 1
	}
	it.hash = flow.Hash(&it.key)
}

// packet accounts one packet to its flow and lets the parsers see its payload. It returns the flow's record, and whether the
// packet's other copy, mirrored at its other end, came before.
func (w *Worker) packet(it *item, v volume) (r *flow.Record, second bool) {
	p, s := &it.pkt, it.side
	notice(&w.stats, p)
	r, fresh := w.record(it, v)
	if w.cfg.Interval != 0 {
		w.settle(r, v)
	}
	next, known := r.Next(s)
	r.Count(s, p, v.packets, v.bytes, v.last)
	if p.Proto == decap.TCP {
		w.segment(r, s, p)
	}
	if p.Mirrored {
		w.attribute(r, s, p, v)
	}
	if fresh {
		w.begun(r, s, p)
	}
	if w.cfg.Interval != 0 {
		w.flows.CountIn(r, s, p, v.packets, v.bytes, v.first, v.last)
	}
	if p.Mirrored && w.several() {
		second = w.pairUp(r, s, p, v.last)
	}
	w.flows.Active(r)
	switch {
	case it.key.Version&decap.InPieces != 0:
	case p.Proto == decap.UDP:
		w.datagram(r, s, p, v.last)
	case p.Proto == decap.TCP && p.HasTCP:
		if !known {
			next = p.Seq + uint32(p.TCPFlags&decap.SYN)/decap.SYN
		}
		w.talk(r, said{side: s, nanos: v.last, pkt: p, next: next, acks: p.TCPFlags&decap.ACK != 0, ack: p.Ack})
	}
	return r, second
}

// notice counts what is remarkable about a packet.
func notice(c *event.Counters, p *decap.Packet) {
	if p.ReservedBits {
		c.ReservedBits++
	}
	if p.Truncated {
		c.Truncated++
	}
	if p.VerifyChecksums() {
		c.BadChecksum++
	}
}

// record returns the flow's record, which is new if the packet is the first one, or opens another connection on the same
// addresses and ports.
func (w *Worker) record(it *item, v volume) (r *flow.Record, fresh bool) {
	r, fresh = w.flows.Get(&it.key, it.hash, v.first)
	if !fresh && it.pkt.Proto == decap.TCP && r.Reopens(it.side, &it.pkt) {
		w.flows.End(r, event.EndReused, v.first)
		r, fresh = w.flows.Get(&it.key, it.hash, v.first)
	}
	if fresh {
		w.stats.FlowsNew++
		r.VLANs = w.vlans.of(&it.pkt)
		open(r, it.side, &it.pkt)
	}
	return r, fresh
}

// open takes a first guess at who opened a flow. Better evidence may turn it round later.
func open(r *flow.Record, s flow.Side, p *decap.Packet) {
	r.OpenedBy(s, event.ByFirstPacket)
	switch {
	case p.Proto == decap.ICMP || p.Proto == decap.ICMPv6:
		if request, known := p.ICMPRequest(); known && request {
			r.OpenedBy(s, event.ByICMPType)
		} else if known {
			r.OpenedBy(1-s, event.ByICMPType)
		}
	case service(p.DstPort) && !service(p.SrcPort):
		r.OpenedBy(s, event.ByPorts)
	case service(p.SrcPort) && !service(p.DstPort):
		r.OpenedBy(1-s, event.ByPorts)
	}
}

// service tells the system ports (RFC 6335), on which servers wait, from those that clients pick.
func service(port uint16) bool { return port != 0 && port < 1024 }

// segment accounts what a TCP header says.
func (w *Worker) segment(r *flow.Record, s flow.Side, p *decap.Packet) {
	seen := r.Segment(s, p)
	if seen.Hole > 0 {
		w.stats.Gaps++
		w.stats.LostBytes += uint64(seen.Hole)
	}
	if seen.Resent {
		w.stats.Retransmits++
	}
}

// maxTries is how many datagrams, or segments, of a flow are shown to the parsers before it counts as not recognized.
const maxTries = 64
