package flow

import (
	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/event"
)

// maxJump is the largest distance, in sequence numbers, that counts as a gap: the largest window that TCP can announce (RFC 7323
// section 2.2). A segment farther ahead belongs to another connection or is forged.
const maxJump = 1 << 30

// MaxAck is how far ahead of the bytes seen an acknowledgment may be: more than systems buffer for a connection. Behind a firewall that
// changes sequence numbers and is mirrored on both sides, acknowledgments may refer to another numbering.
const MaxAck = 64 << 20

// SegmentInfo is what a segment added to its flow.
type SegmentInfo struct {
	New        int // payload bytes not seen before
	Gap        int // bytes skipped or acknowledged of which no copy was seen so far; they may still come late
	Retransmit bool
}

// beganWith reports whether the bytes of a side may have begun at a sequence number, as far as they were counted.
func (r *Record) beganWith(s Side, seq uint32) bool {
	return uint64(r.next[s]-seq) <= r.Payload(s)+uint64(r.Missing[s])+1
}

// begins reports whether the bytes of a side, with its FIN, began at a sequence number.
func (r *Record) begins(s Side, seq uint32) bool {
	n := r.Payload(s) + uint64(r.Missing[s])
	if r.finished(s) {
		n++
	}
	return uint64(r.next[s]-seq) == n
}

// Segment accounts a TCP packet: flags, state, and which of its bytes are new. Retransmitted bytes are not counted as
// payload; sequence numbers that were skipped, or acknowledged by the peer, without a copy are Missing until they come. g has what the record
// has no room for; nil is allowed.
func (r *Record) Segment(s Side, p *decap.Packet, g *Gaps) SegmentInfo {
	if !p.HasTCP {
		return SegmentInfo{}
	}
	if p.TCPFlags&decap.SYN != 0 && (r.Flags[s]&decap.SYN == 0 || r.TCPState < event.TCPEstablished) && !r.beganWith(s, p.Seq+1) {
		r.bits &^= bitSeq0 << s // what came before belongs to an older connection
		r.marks &^= markFIN0 << s
		g.drop(r, s)
		r.Missing[s] = 0
	}
	r.Flags[s] |= p.TCPFlags
	seen := r.sequence(s, p, g)
	if p.TCPFlags&decap.FIN != 0 && r.next[s] == endOf(p) {
		r.marks |= markFIN0 << s
	}
	if p.TCPFlags&decap.ACK != 0 && p.TCPFlags&decap.RST == 0 && r.TCPState != event.TCPSynSent {
		seen.Gap += r.acknowledged(1-s, p.Ack, g)
	}
	r.advance(s, p)
	return seen
}

// endOf returns the sequence number behind a segment.
func endOf(p *decap.Packet) uint32 {
	const syn, fin = decap.SYN, decap.FIN
	return p.Seq + uint32(p.PayloadLen) + uint32(p.TCPFlags&syn/syn) + uint32(p.TCPFlags&fin/fin)
}

func (r *Record) seqKnown(s Side) bool { return r.bits&(bitSeq0<<s) != 0 }

// sequence moves next[s] past the segment.
func (r *Record) sequence(s Side, p *decap.Packet, g *Gaps) (seen SegmentInfo) {
	seq, n := p.Seq, uint32(p.PayloadLen)
	end := seq + n
	if p.TCPFlags&decap.SYN != 0 {
		seq, end = seq+1, end+1
	}
	fin := uint32(p.TCPFlags & decap.FIN)
	ahead := seq - r.next[s]
	switch {
	case p.TCPFlags&decap.RST != 0 && n == 0: // its sequence number need not be the next one (RFC 9293 section 3.5.2)
	case !r.seqKnown(s) || ahead > maxJump && -ahead > maxJump:
		g.drop(r, s)
		r.bits |= bitSeq0 << s
		r.marks &^= markFIN0 << s
		r.next[s] = end + fin
		seen.New = int(n)
	case ahead <= maxJump:
		seen = r.inFront(s, seq, n, fin, g)
	default:
		seen = r.behind(s, seq, n, fin, g)
	}
	r.payload.add(s, uint64(seen.New))
	return seen
}

// inFront handles a segment that starts at next[s] or after it. A FIN without bytes shows none that are missing before it: the peer
// acknowledges those that there were.
func (r *Record) inFront(s Side, seq, n, fin uint32, g *Gaps) (seen SegmentInfo) {
	ahead := seq - r.next[s]
	if n == 0 && (fin == 0 || ahead != 0 && r.BothSides()) {
		return seen
	}
	if ahead != 0 {
		r.skip(s, seq, g)
		seen.Gap = int(ahead)
	}
	r.next[s] = seq + n + fin
	seen.New = int(n)
	return seen
}

// behind handles a segment that starts before next[s]: bytes that fill a gap, and bytes beyond next[s], are new. A FIN in a
// gap shows that what came from behind it was not sent by the same host.
func (r *Record) behind(s Side, seq, n, fin uint32, g *Gaps) (seen SegmentInfo) {
	back := r.next[s] - seq
	if n+fin > back { // its tail is new
		seen.New = int(n - back)
		r.next[s] = seq + n + fin
		n = back
	}
	if fin != 0 && n+fin <= r.next[s]-seq && g.endAt(r, s, seq+n) {
		r.next[s]++
		seen.New += int(r.fill(s, seq, n, g))
		return seen
	}
	seen.New += int(r.fill(s, seq, n, g))
	seen.Retransmit = n != 0 && seen.New == 0
	r.fill(s, seq+n, fin, g) // its number was counted as a byte if it was acknowledged before
	return seen
}

// acknowledged moves next[s] to what the peer acknowledges: it has the bytes, so the copies were lost, or come late.
func (r *Record) acknowledged(s Side, ack uint32, g *Gaps) int {
	ahead := ack - r.next[s]
	if !r.seqKnown(s) || ahead-1 >= MaxAck || r.finished(s) || r.TCPState == event.TCPClosed && r.Flags[s]&decap.RST != 0 {
		return 0
	}
	r.skip(s, ack, g)
	r.next[s] = ack
	return int(ahead)
}

// advance sets the connection's state, as far as flags show it. A connection that is picked up in the middle is
// established.
func (r *Record) advance(s Side, p *decap.Packet) {
	switch flags := p.TCPFlags; {
	case flags&decap.RST != 0:
		r.TCPState = event.TCPClosed
	case flags&(decap.SYN|decap.ACK) == decap.SYN:
		r.TCPState = max(r.TCPState, event.TCPSynSent)
	case flags&decap.SYN != 0:
		r.TCPState = max(r.TCPState, event.TCPSynRecv)
	case flags&decap.FIN != 0:
		r.close(s)
	case flags&decap.ACK != 0:
		r.acked(s, p.Ack)
	}
}

// close handles a FIN of a side.
func (r *Record) close(s Side) {
	switch {
	case r.TCPState >= event.TCPLastAck: // repeated
	case r.Flags[1-s]&decap.FIN != 0:
		r.TCPState = event.TCPLastAck
	default:
		r.TCPState = max(r.TCPState, event.TCPFinWait1)
	}
}

// acked handles a plain acknowledgment by a side.
func (r *Record) acked(s Side, ack uint32) {
	switch r.TCPState {
	case event.TCPNone, event.TCPSynRecv:
		r.TCPState = event.TCPEstablished
	case event.TCPSynSent:
		if r.BothSides() { // the SYN-ACK's copy was lost
			r.TCPState = event.TCPEstablished
		}
	case event.TCPFinWait1:
		if r.Flags[s]&decap.FIN == 0 && r.coversFIN(s, ack) {
			r.TCPState = event.TCPFinWait2
		}
	case event.TCPLastAck:
		if r.coversFIN(s, ack) {
			r.TCPState = event.TCPClosed
		}
	case event.TCPEstablished, event.TCPFinWait2, event.TCPClosed:
	}
}

// coversFIN reports whether an acknowledgment of a side covers the other side's FIN. One that cannot be of this connection's numbers does:
// see MaxAck.
func (r *Record) coversFIN(s Side, ack uint32) bool {
	short := r.next[1-s] - ack
	return !r.finished(1-s) || short-1 >= MaxAck
}

// OpenedWith takes a SYN, or the answer to one, as evidence for who opened the flow, and reports whether that turns it round.
func (r *Record) OpenedWith(s Side, p *decap.Packet) (turned bool) {
	switch p.TCPFlags & (decap.SYN | decap.ACK | decap.RST) {
	case decap.SYN:
		return r.OpenedBy(s, event.BySYN)
	case decap.SYN | decap.ACK:
		return r.OpenedBy(1-s, event.BySYNACK)
	}
	return false
}
