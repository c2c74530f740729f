package inspect

import (
	"slices"
	"sync/atomic"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/frag"
)

// Peers joins the workers among which the kernel divides the mirrored packets by inner addresses and ports. Fragments are
// divided by addresses alone, since only the first has ports; so a packet that was put together may belong to a flow of
// another worker, and is handed over. It is safe for concurrent use.
type Peers struct {
	inboxes []chan parcel
	dropped atomic.Uint64
}

// parcel is a packet put together from fragments, on its way to the worker that owns its flow.
type parcel struct {
	pkt     decap.Packet // as it was before Resume
	payload []byte       // a copy: the IP payload
	v       volume
}

// inboxSize is how many packets may wait for a worker. Fragmented packets are rare, and a worker looks after each batch.
const inboxSize = 64

// NewPeers joins n workers. Each is then made with Config.Peers set to Of(i), where i is the number of its source in the
// group.
func NewPeers(n int) *Peers {
	p := &Peers{inboxes: make([]chan parcel, n)}
	for i := range p.inboxes {
		p.inboxes[i] = make(chan parcel, inboxSize)
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

// handOver gives a packet that was put together to the worker that owns its flow, and reports whether that is another one.
// pkt is what the decoder found in it.
func (p Peer) handOver(pkt *decap.Packet, whole *frag.Reassembled, v volume) bool {
	if p.peers == nil || len(p.peers.inboxes) < 2 {
		return false
	}
	owner, ok := steered(pkt, len(p.peers.inboxes))
	if !ok || owner == p.self {
		return false
	}
	select {
	case p.peers.inboxes[owner] <- parcel{whole.Packet, slices.Clone(whole.Payload), v}:
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

// inbox returns the packets that others hand to this worker.
func (p Peer) inbox() <-chan parcel {
	if p.peers == nil {
		return nil
	}
	return p.peers.inboxes[p.self]
}

// adopt accounts the packets that other workers put together for this one.
func (w *Worker) adopt() {
	for {
		select {
		case in := <-w.cfg.Peer.inbox():
			it := item{pkt: in.pkt}
			if w.cfg.Decoder.Resume(&it.pkt, in.payload) == decap.OK {
				w.identify(&it)
				w.packet(&it, in.v)
			}
		default:
			return
		}
	}
}
