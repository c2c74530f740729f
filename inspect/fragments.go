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
	incomplete func(*Reassembled)
}

// Reassembled is a packet as far as its fragments came, before the decoder went on behind its IP header.
type Reassembled struct {
	packet  decap.Packet
	payload []byte // of IP, up to the first byte that is missing
	missing int    // bytes that are known to follow
	partial bool   // not all fragments came
	unread  bool   // parsers must not read it: a receiver would not, or they did before
	led     bool   // the first fragment came
	Volume
}

// Clone returns a copy that does not refer to the reassembler's memory.
func (a Reassembled) Clone() Reassembled {
	a.payload = slices.Clone(a.payload)
	return a
}

// NewReassembler returns a Reassembler within the memory that cfg grants, which counts in stats. incomplete is called with what came of
// packets that cannot be put together, by Add, Expire and Flush. Its argument is valid during the call.
func NewReassembler(cfg Config, stats *event.Counters, incomplete func(*Reassembled)) *Reassembler {
	a := &Reassembler{decoder: cfg.Decoder, stats: stats, incomplete: incomplete}
	a.table = frag.New(cfg.Memory.Fragments, a.report)
	return a
}

// Add takes a fragment. If it is the last one of its packet, that is returned. It is valid until the next call.
func (a *Reassembler) Add(p *decap.Packet, nanos int64) (whole Reassembled, ok bool) {
	p.VerifyChecksums()
	countOddities(a.stats, p)
	a.stats.FragmentsHeld++
	d := a.table.Add(p, nanos)
	a.stats.FragmentsDuplicate = a.table.Duplicates()
	if d == nil {
		return Reassembled{}, false
	}
	a.stats.Reassembled++
	return reassembled(d), true
}

func reassembled(d *frag.Datagram) Reassembled {
	return Reassembled{
		packet: d.Packet, payload: d.Payload, missing: d.Missing, led: d.Led,
		partial: d.Reason != frag.Complete, unread: d.Reason != frag.Complete && !d.Reason.Readable(),
		Volume: Volume{uint32(d.Packets), d.Bytes, d.First, d.Last},
	}
}

// Decode decodes what is behind the IP header of a packet, which then refers to the payload of whole. It reports whether the packet's flow is
// known: by the ports, or else the fragments are counted by their addresses.
func (a *Reassembler) Decode(it *Item, whole *Reassembled) (ok bool) {
	*it = Item{Packet: whole.packet, Reason: decap.Fragment, partial: whole.partial, unread: whole.unread}
	p := &it.Packet
	switch {
	case !whole.led:
	case !whole.partial:
		it.Reason = a.decoder.ParseReassembled(p, whole.payload)
		it.badSum = it.Packet.Depth == whole.packet.Depth && it.Packet.Mirrored == whole.packet.Mirrored && whole.badSum()
		it.unread = it.unread || it.badSum
	case len(whole.payload) > 0:
		it.Reason = a.decoder.ParseBeginning(p, whole.payload, whole.missing)
	case p.HasPorts && (p.Mirrored || a.decoder.Encapsulation != decap.Always):
		it.Reason = decap.OK
	}
	if it.Reason != decap.OK {
		it.Packet = whole.packet
		return false
	}
	if it.unread {
		p.Payload, p.PayloadLen, p.HasTCP, p.TCPFlags = nil, 0, false, 0
	}
	return true
}

// badSum reports whether a receiver drops a reassembled packet of UDP because of its checksum. A host computes the checksum of what it
// cuts into fragments itself, unlike that of other packets, which it may leave to its network card. If the checksum of the IPv4 header is
// wrong too, the addresses of the capture were changed.
func (a *Reassembled) badSum() bool {
	return a.packet.Proto == decap.UDP && !a.packet.BadChecksum && !a.packet.ReassembledOK(a.payload)
}

// report counts fragments of a packet that was not put together, and passes on what came of it; the table calls it.
func (a *Reassembler) report(d *frag.Datagram) {
	switch n := uint64(d.Packets); d.Reason {
	case frag.Evicted:
		a.stats.FragmentsEvicted += n
	case frag.Overlap:
		a.stats.FragmentsOverlapping += n
		a.stats.FragmentsIncomplete += n
	default:
		a.stats.FragmentsIncomplete += n
	}
	d.Packet.Truncated = d.Cut
	r := reassembled(d)
	a.incomplete(&r)
}

// Due reports whether Expire has a first fragment that waited for the rest of its packet for long enough.
func (a *Reassembler) Due(nanos int64) bool { return a.table.Due(nanos) }

// Expire gives up the packets whose fragments have waited for too long.
func (a *Reassembler) Expire(nanos int64) { a.table.Expire(nanos) }

// Flush gives up all packets.
func (a *Reassembler) Flush() { a.table.Flush() }
