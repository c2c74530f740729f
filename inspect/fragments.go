package inspect

import (
	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/flow"
	"github.com/mirrorsink/mirrorsink/inspect/frag"
)

// fragment keeps a fragment until the rest of its packet has come, then accounts the whole.
func (w *Worker) fragment(p *decap.Packet, nanos int64) {
	notice(&w.stats, p)
	w.stats.FragmentsHeld++
	whole := w.frags.Add(p, nanos)
	if whole == nil {
		return
	}
	w.stats.Reassembled++
	it := item{pkt: whole.Packet}
	v := volume{uint32(whole.Packets), whole.Bytes, whole.First, whole.Last}
	if it.why = w.cfg.Decoder.Resume(&it.pkt, whole.Payload); it.why != decap.OK {
		w.pieces(whole.Packet, v)
		return
	}
	if w.cfg.Peer.handOver(&it.pkt, whole, v) {
		return
	}
	w.identify(&it)
	w.packet(&it, v)
}

// incomplete accounts fragments that will not be put together; the reassembly table calls it.
func (w *Worker) incomplete(l *frag.Incomplete) {
	if l.Reason == frag.Evicted {
		w.stats.FragmentsEvicted += uint64(l.Packets)
	} else {
		w.stats.FragmentsIncomplete += uint64(l.Packets)
	}
	w.pieces(l.Packet, volume{uint32(l.Packets), l.Bytes, l.First, l.Last})
}

// pieces accounts fragments by their addresses alone: the ports are only in the first one.
func (w *Worker) pieces(p decap.Packet, v volume) {
	it := item{pkt: p}
	it.pkt.PayloadLen, it.pkt.Payload = 0, nil
	w.identify(&it)
	it.key.LoPort, it.key.HiPort = 0, 0
	it.key.Version |= decap.InPieces
	it.hash = flow.Hash(&it.key)
	w.packet(&it, v)
}
