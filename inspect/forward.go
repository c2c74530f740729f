package inspect

import (
	"net/netip"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/dedup"
	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/flow"
	"github.com/mirrorsink/mirrorsink/inspect/where"
)

// Forwarder takes the frames that a worker forwards; each worker has its own. What a frame points to is valid until the next Flush
// returns, which comes after each batch. It must not block longer than the receive path can bear.
type Forwarder interface {
	Forward(f decap.Frame)
	Flush()
}

// Tags tells networks that look alike apart by 802.1Q tags. Each worker asks once for each mirror session; several goroutines ask.
type Tags interface {
	// Tag returns the tag of a session, 1 to 4094, or 0 for none. IPv4 addresses are never IPv4-mapped.
	Tag(outer netip.Addr, vni uint32) uint16
}

// Forwarding says which of the frames that come are forwarded, and to whom: each frame once, as it came, in the order of its flow.
//
// Frames that could not be decoded are not. Fragments are forwarded one by one, with what is known by their addresses alone.
type Forwarding struct {
	To   Forwarder
	Tags Tags // nil: no tags
	// Where is an expression of FlowFields: only frames of flows of which it is true are forwarded; nil is for all. It is asked
	// when a flow begins, and again when more is known of it, its name or its protocol.
	Where *where.Filter
	// Shunts are the rules for tails that are not forwarded, at most MaxShunts; the first that holds of a packet withholds it.
	Shunts []Shunt
	// KeepBoth forwards both copies of a packet that is mirrored at both ends, and not only the one that comes first.
	KeepBoth bool
	// Reorder has segments wait for those that they have overtaken, in an eighth of Memory.Streams. What waits is neither passed nor
	// withheld, but counted as waiting.
	Reorder Reorder
}

// forward is what a worker needs for forwarding.
type forward struct {
	cfg     *Forwarding
	courses []course   // by the number of the flow's record
	tags    []uint16   // by the number of the tap
	twin    dedup.Copy // of the packet that is judged, if its other copy came before

	where   *where.Filter
	shunts  shunts
	weighs  bool // there are expressions
	weighed uint64
	live    liveFlow
	pieces  [64]pieceVerdict
	bench   *bench // nil if nobody waits
}

func newForward(cfg *Forwarding, flows *flow.Table, bytes int) *forward {
	f := &forward{
		cfg: cfg, courses: flow.Beside[course](flows), tags: make([]uint16, 1, 64), where: clone(cfg.Where), shunts: newShunts(cfg.Shunts),
	}
	if cfg.Reorder.Time > 0 {
		f.bench = newBench(cfg.Reorder, bytes)
	}
	f.weighs = f.where != nil
	for i := range f.shunts.list {
		f.weighs = f.weighs || f.shunts.list[i].If != nil
	}
	return f
}

// touch reads what is known of flows, for the reason for which lookup touches their records. Its result says nothing.
func (f *forward) touch(refs []uint32) (sum uint64) {
	for _, ref := range refs {
		sum += uint64(f.courses[ref].hash)
	}
	return sum
}

// judge forwards a packet, or withholds it. second says that its other copy came before.
func (w *Worker) judge(r *flow.Record, it *item, d *decap.Datagram, second bool) {
	c := w.course(r)
	w.weigh(r, c)
	why, found := w.objection(r, c, it, second)
	w.measure(r, c)
	if found {
		w.withhold(why, len(it.pkt.Frame))
		w.follow(c, it.side, &it.pkt)
		return
	}
	w.order(r, c, it.side, decap.Frame{Packet: &it.pkt, Nanos: d.Nanos, WireLen: wireLen(&it.pkt, d), Hash: c.hash, VLAN: w.tag(c.leader)})
}

// objection finds out why a packet is not forwarded.
func (w *Worker) objection(r *flow.Record, c *course, it *item, second bool) (why event.Withheld, found bool) {
	switch {
	case second && !w.forward.cfg.KeepBoth && w.wantedTwin():
		return event.Copy, true
	case !c.holds(0):
		return event.Filtered, true
	case len(w.forward.shunts.list) == 0:
		return 0, false
	default:
		return w.shunt(r, c, it.side, &it.pkt)
	}
}

// wantedTwin reports whether the other copy of the packet that is judged was of a flow that is forwarded.
func (w *Worker) wantedTwin() bool {
	o := w.copied(w.forward.twin)
	return o == nil || w.course(o).holds(0)
}

// judgePiece does the same with a fragment, of which only the addresses are known.
func (w *Worker) judgePiece(it *item, d *decap.Datagram) {
	p := &it.pkt
	w.identify(it)
	switch {
	case w.secondPiece(it, d.Nanos) && !w.forward.cfg.KeepBoth:
		w.withhold(event.Copy, len(p.Frame))
		return
	case !w.wantsPiece(it.key, it.side, p):
		w.withhold(event.Filtered, len(p.Frame))
		return
	}
	hash := decap.SteerFlow(p.Src, p.Dst, 0, 0)
	w.send(decap.Frame{Packet: p, Nanos: d.Nanos, WireLen: wireLen(p, d), Hash: hash, VLAN: w.tag(it.key.Tap)})
}

// secondPiece reports whether the other copy of a fragment came before, and was forwarded.
func (w *Worker) secondPiece(it *item, nanos int64) bool {
	p, tap := &it.pkt, it.key.Tap
	other, second := w.pairs.Add(p, dedup.Copy{Session: uint32(tap), Direction: w.sessions.Direction(tap, p), Provisional: true, Nanos: nanos})
	key := it.key
	key.Tap = uint16(other.Session)
	return second && w.wantsPiece(key, it.side, p)
}

// wireLen is the length of a packet's frame before it was cut on its way from the mirror to us.
func wireLen(p *decap.Packet, d *decap.Datagram) int { return d.WireLen - (len(d.Data) - len(p.Frame)) }

// send hands a frame on.
func (w *Worker) send(f decap.Frame) {
	w.stats.Forward.Passed.Count(len(f.Packet.Frame))
	w.forward.cfg.To.Forward(f)
}

func (w *Worker) withhold(why event.Withheld, bytes int) { w.stats.Forward.Withheld[why].Count(bytes) }

// passOn sends what need not wait any longer, and has the forwarder let go of all.
func (w *Worker) passOn() {
	f := w.forward
	if f.bench != nil {
		w.expire(w.now)
	}
	f.cfg.To.Flush()
	if f.bench != nil {
		f.bench.clear()
	}
}

// tag returns the tag of a tap's frames.
func (w *Worker) tag(tap uint16) uint16 {
	f := w.forward
	for n := len(f.tags); n < w.sessions.Len(); n++ {
		tag := uint16(0)
		if of := w.sessions.Session(uint16(n)); f.cfg.Tags != nil {
			tag = f.cfg.Tags.Tag(of.Outer.Netip(), of.VNI)
		}
		f.tags = append(f.tags, tag)
	}
	return f.tags[tap]
}

// early reports whether a packet waits for its other copy before it is known that there will be one: so that no connection's
// first packets are forwarded twice.
func (w *Worker) early(r *flow.Record, nanos int64) bool {
	return w.forward != nil && (w.sessions.Len() <= 2 || nanos-r.Start <= int64(dedup.Span))
}
