package inspect

import (
	"slices"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/frag"
)

// Reassembler puts packets together from fragments and counts what became of them. It is not safe for concurrent use.
type Reassembler struct {
	decoder    decap.Decoder
	table      *frag.Table
	stats      *event.Counters
	incomplete func(p *decap.Packet, v Volume)
}

// Reassembled is a packet put together from fragments, before the decoder went on behind its IP header.
type Reassembled struct {
	packet  decap.Packet
	payload []byte // of IP
	Volume
}

// Clone returns a copy that does not refer to the reassembler's memory.
func (a Reassembled) Clone() Reassembled {
	a.payload = slices.Clone(a.payload)
	return a
}

// NewReassembler returns a Reassembler within the memory that cfg grants, which counts in stats. incomplete is called with fragments that
// cannot be put together, by Add, Expire, Flush and Decode. Its packet is valid during the call.
func NewReassembler(cfg Config, stats *event.Counters, incomplete func(p *decap.Packet, v Volume)) *Reassembler {
	a := &Reassembler{decoder: cfg.Decoder, stats: stats, incomplete: incomplete}
	a.table = frag.New(cfg.Memory.Fragments, a.lost)
	return a
}

// Add takes a fragment. If it is the last one of its packet, that is returned. It is valid until the next call.
func (a *Reassembler) Add(p *decap.Packet, nanos int64) (whole Reassembled, ok bool) {
	countOddities(a.stats, p)
	a.stats.FragmentsHeld++
	w := a.table.Add(p, nanos)
	if w == nil {
		return Reassembled{}, false
	}
	a.stats.Reassembled++
	return Reassembled{w.Packet, w.Payload, Volume{uint32(w.Packets), w.Bytes, w.First, w.Last}}, true
}

// Decode decodes what is behind the IP header of a packet, which then refers to the payload of whole. If that is malformed the fragments
// are incomplete.
func (a *Reassembler) Decode(p *decap.Packet, whole *Reassembled) (ok bool) {
	*p = whole.packet
	if a.decoder.ParseReassembled(p, whole.payload) == decap.OK {
		return true
	}
	a.incomplete(&whole.packet, whole.Volume)
	return false
}

// lost counts fragments that will not be put together; the table calls it.
func (a *Reassembler) lost(l *frag.Incomplete) {
	if l.Reason == frag.Evicted {
		a.stats.FragmentsEvicted += uint64(l.Packets)
	} else {
		a.stats.FragmentsIncomplete += uint64(l.Packets)
	}
	a.incomplete(&l.Packet, Volume{uint32(l.Packets), l.Bytes, l.First, l.Last})
}

// Expire gives up the packets whose fragments have waited for too long.
func (a *Reassembler) Expire(nanos int64) { a.table.Expire(nanos) }

// Flush gives up all packets.
func (a *Reassembler) Flush() { a.table.Flush() }
