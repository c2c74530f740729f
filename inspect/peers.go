package inspect

import (
	"sync/atomic"

	"github.com/mirrorsink/mirrorsink/decap"
)

// Peers joins the workers among which the kernel divides the mirrored packets by inner addresses and ports. Fragments are
// divided by addresses alone, since only the first has ports; so a reassembled packet may belong to a flow of another worker, and is
// passed on to it. It is safe for concurrent use.
type Peers struct {
	inboxes []chan Reassembled
	dropped atomic.Uint64
}

// inboxSize is how many packets may wait for a worker. Fragmented packets are rare, and a worker looks after each batch.
const inboxSize = 64

// NewPeers joins n workers. Each is then made with Config.Peer set to Of(i), where i is the number of its source in the
// group.
func NewPeers(n int) *Peers {
	p := &Peers{inboxes: make([]chan Reassembled, n)}
	for i := range p.inboxes {
		p.inboxes[i] = make(chan Reassembled, inboxSize)
	}
	return p
}

// Dropped returns how many packets found the inbox of their flow's worker full. Their fragments are counted as received,
// but they are missing from their flow.
func (p *Peers) Dropped() uint64 { return p.dropped.Load() }

// Peer is a worker's place among its peers. The zero value is a worker alone.
type Peer struct {
	peers *Peers
	self  int
}

// Of returns the place of worker i.
func (p *Peers) Of(i int) Peer { return Peer{p, i} }

// handOver passes a reassembled packet to the worker that owns its flow, and reports whether that is another one. pkt is what the decoder
// found in it.
func (p Peer) handOver(pkt *decap.Packet, whole *Reassembled) bool {
	if p.peers == nil || len(p.peers.inboxes) < 2 {
		return false
	}
	owner, ok := steered(pkt, len(p.peers.inboxes))
	if !ok || owner == p.self {
		return false
	}
	select {
	case p.peers.inboxes[owner] <- whole.Clone():
	default:
		p.peers.dropped.Add(1)
	}
	return true
}

// steered returns the worker to which the kernel steers the unfragmented packets of the same flow; ok is false if they are
// steered by addresses alone, as the fragments were.
func steered(pkt *decap.Packet, workers int) (owner int, ok bool) {
	if pkt.Depth != 0 || !decap.SteeredByPorts(pkt.Proto, pkt.SrcPort, pkt.DstPort) {
		return 0, false
	}
	return decap.SteerTo(decap.SteerFlow(pkt.Src, pkt.Dst, pkt.SrcPort, pkt.DstPort), workers), true
}

// inbox returns the packets that others pass to this worker.
func (p Peer) inbox() <-chan Reassembled {
	if p.peers == nil {
		return nil
	}
	return p.peers.inboxes[p.self]
}
