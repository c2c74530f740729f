package flow

import (
	"math/bits"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/event"
)

// Would the receiver take this segment? The copies of packets show what was sent, not what arrived and was accepted. Whoever sends may
// send segments that are made to mislead those who only watch: the receiver drops them, or a router does. A record notes a few habits of
// each side, and compares segments with them, as the receiver would by RFC 9293, RFC 5961 and RFC 7323.
//
// A segment that the receiver would drop is refused: it is counted as a packet and else ignored. One that may not have reached the
// receiver is doubtful: what it carries is believed if nothing contradicts it.

// sender is what was noted of the segments of one side; of a UDP flow see SetConnection.
type sender struct {
	ttl     uint8 // hop limit of the first segment that was taken; 0 if there is none
	windows uint8 // the largest window announced, as a power of four; above these four bits 1 + the shift of its scale, 0 if the SYN was not seen
	far     uint8 // the upper bits of the latest sequence number that was refused; 0 if there is none
	habits  uint8
}

// Habits of a side.
const (
	habitRightSum  = 1 << iota // segments had right checksums
	habitWrongSum              // segments with wrong ones were taken: the copies were made before the network card
	habitPlain                 // segments had no signature
	habitRightAck              // an acknowledgment was one of bytes that the other side had sent
	habitStamp                 // gapEnd is the latest timestamp of this side
	habitFarAck                // the other side acknowledged bytes near far
	habitGoesOn                // new bytes came after the other side's reset
	habitTwoCopies             // two copies of the same bytes differed
)

// maxAge is how much older than the latest timestamp of its side a segment's may be without being refused. It covers segments that have
// overtaken others on the way here by 50 ms, in microseconds.
const maxAge = 60_000

// Arrival is a segment as its receiver sees it come.
type Arrival struct {
	r *Record
	s Side // the sender
	p *decap.Packet
}

// Arrival returns a segment of a side as its receiver sees it come. The packet must have HasTCP.
func (r *Record) Arrival(s Side, p *decap.Packet) Arrival { return Arrival{r, s, p} }

// Verdict is whether a receiver takes a segment.
type Verdict struct {
	Refused  event.Refusal // why not; NotRefused if it does
	Doubtful bool          // perhaps it did not reach the receiver
	Unsure   bool          // it is doubtful and lies ahead of the first byte of its side: it shows nothing of what was sent
}

// Examine judges what a segment of a side shows by itself, and notes the side's habits. It is called when the segment comes, after
// VerifyChecksums and decap.Packet.ReadTCPHeader.
func (a Arrival) Examine() event.Refusal {
	h, f := &a.p.TCP, &a.r.senders[a.s]
	const exempt = decap.ACK | decap.SYN | decap.RST
	switch {
	case !h.Valid:
		return event.BadHeader
	case a.p.BadChecksum && f.habits&(habitRightSum|habitWrongSum) == habitRightSum && !h.Offloaded:
		return event.WrongChecksum
	case a.p.TCPFlags&exempt == 0:
		return event.NoACK
	case h.Signed && f.habits&habitPlain != 0:
		return event.UnexpectedSignature
	}
	a.noteHabits()
	return event.NotRefused
}

// noteHabits notes what a segment that was not refused shows of its sender by itself.
func (a Arrival) noteHabits() {
	h, f := &a.p.TCP, &a.r.senders[a.s]
	switch {
	case a.p.BadChecksum:
		if !h.Offloaded && a.p.TCPFlags&decap.SYN != 0 {
			f.habits |= habitWrongSum // a side's first segment shows whether its copies have checksums
		}
	case f.habits&habitRightSum == 0 && a.p.Complete():
		f.habits |= habitRightSum
	}
	if !h.Signed && h.Known {
		f.habits |= habitPlain
		if a.p.TCPFlags&decap.SYN == 0 {
			f.announce(uint32(h.Window) << max(f.windows>>4, 1) >> 1)
		}
	}
}

// Judge judges a segment of a side by the connection's numbers, and notes what it shows. It is called in the order of the connection,
// before Segment.
func (a Arrival) Judge() (v Verdict) {
	switch {
	case a.p.TCPFlags&decap.SYN != 0:
		v.Refused = a.judgeSYN()
	case a.p.TCPFlags&decap.RST != 0:
		v.Refused = a.judgeRST()
	default:
		v.Refused = a.judgeSegment()
	}
	if v.Refused != event.NotRefused {
		return v
	}
	v.Doubtful = a.doubtful()
	v.Unsure = v.Doubtful && a.r.ahead(a.s, a.p.Seq) > 0 && a.r.Payload(a.s) == 0 && a.otherHops()
	if v.Unsure && a.p.TCPFlags&decap.FIN != 0 && a.p.PayloadLen == 0 {
		v.Refused = event.OddHopLimit
		return v
	}
	if !v.Doubtful {
		a.note()
		if a.r.TCPState > event.TCPEstablished {
			a.goesOn()
		}
	}
	return v
}

// Plain reports whether a segment is an acknowledgment, with or without payload, of the kind that most are: at the place that comes next,
// with an acknowledgment of bytes that came. Judge would take it.
func (a Arrival) Plain() bool {
	r, p := a.r, a.p
	return p.TCPFlags&^decap.PSH == decap.ACK && p.Seq == r.next[a.s] && r.next[1-a.s]-p.Ack <= 1<<16 &&
		r.TCPState == event.TCPEstablished && r.bits&(bitSeq0|bitSeq1) == bitSeq0|bitSeq1
}

// Take accounts a Plain segment, as Record.Segment does. All of its bytes are new.
func (a Arrival) Take() {
	a.r.Flags[a.s] |= a.p.TCPFlags
	a.r.next[a.s] += uint32(a.p.PayloadLen)
	a.r.payload.add(a.s, uint64(a.p.PayloadLen))
}

// Usual reports whether a Plain segment has the habits of its side, and notes its timestamp. Judge would take it, without doubt, and note no more.
func (a Arrival) Usual() bool {
	const habits = habitRightSum | habitRightAck
	f, h, o := &a.r.senders[a.s], &a.p.TCP, 1-a.s
	if a.p.BadChecksum || f.habits&habits != habits || f.ttl != a.p.TTL || h.IPOptions || h.Signed || !h.Known ||
		a.r.Flags[o]&decap.SYN != 0 && a.before(o, a.p.Ack) {
		return false
	}
	if !h.HasTimestamp {
		return true
	}
	if f.habits&habitStamp == 0 || int32(h.Timestamp-a.r.gapEnd[a.s]) < 0 {
		return false
	}
	a.r.gapEnd[a.s] = h.Timestamp
	return true
}

// goesOn stops to believe a reset or a FIN when its sender sends on behind it: another host sent it, or the other side did not take it.
func (a Arrival) goesOn() {
	if a.p.TCPFlags&(decap.SYN|decap.RST) != 0 {
		return
	}
	fresh := a.p.PayloadLen > 0 && a.r.ahead(a.s, a.p.Seq+uint32(a.p.PayloadLen)) > 0
	if fresh && a.r.finished(a.s) && a.r.ahead(a.s, a.p.Seq) < 0 {
		a.r.marks &^= markFIN0 << a.s // the byte at its place is no FIN
		a.r.next[a.s]--
		a.r.revive()
	}
	if a.r.TCPState != event.TCPClosed {
		return
	}
	o := 1 - a.s
	if a.r.Flags[a.s]&decap.RST != 0 && (fresh || a.r.senders[o].habits&habitGoesOn != 0 && a.p.Ack == a.r.next[o]) {
		a.r.senders[o].habits &^= habitGoesOn
		a.r.revive()
	} else if a.r.Flags[o]&decap.RST != 0 && fresh {
		a.r.senders[a.s].habits |= habitGoesOn
	}
}

// revive sets the state of a connection that turned out not to be closed.
func (r *Record) revive() {
	switch {
	case r.finished(0) && r.finished(1):
		r.TCPState = event.TCPLastAck
	case r.finished(0) || r.finished(1):
		r.TCPState = event.TCPFinWait1
	default:
		r.TCPState = event.TCPEstablished
	}
}

// ahead returns how far a sequence number is ahead of what comes next from a side; 0 if that is not known.
func (r *Record) ahead(s Side, seq uint32) int32 {
	if !r.seqKnown(s) {
		return 0
	}
	return int32(seq - r.next[s])
}

// judgeSegment judges a segment without SYN and RST.
func (a Arrival) judgeSegment() event.Refusal {
	if a.wrongAck() || a.challenges() {
		return event.WrongACK
	}
	if a.p.PayloadLen == 0 && a.p.TCPFlags&decap.FIN == 0 {
		return event.NotRefused
	}
	if ahead, limit := a.r.ahead(a.s, a.p.Seq), a.limit(a.s); ahead > limit && !a.resumes(a.p.Seq) {
		return event.OutOfWindow
	}
	if a.p.PayloadLen == 0 && a.r.Flags[1-a.s]&decap.SYN != 0 && !a.r.seqKnown(a.s) {
		return event.OutOfWindow // a FIN does not answer a SYN (RFC 9293 section 3.10.7.3)
	}
	if a.r.Flags[a.s]&decap.SYN != 0 && a.before(a.s, a.p.Seq+uint32(a.p.PayloadLen)) {
		return event.OutOfWindow
	}
	if h := &a.p.TCP; h.HasTimestamp && a.r.senders[a.s].habits&habitStamp != 0 && int32(a.r.gapEnd[a.s]-h.Timestamp) > maxAge {
		return event.OldTimestamp
	}
	return event.NotRefused
}

// wrongAck reports whether a segment acknowledges what the other side cannot have sent, or what it sent long ago. Behind a firewall that
// changes sequence numbers acknowledgments never match: the side needs a right one first.
func (a Arrival) wrongAck() bool {
	o, f := 1-a.s, &a.r.senders[a.s]
	if !a.r.seqKnown(o) {
		return false
	}
	ahead := int32(a.p.Ack - a.r.next[o])
	if ahead > -1<<16 && ahead <= 1<<16 {
		if a.r.Flags[o]&decap.SYN == 0 || !a.before(o, a.p.Ack) {
			f.habits |= habitRightAck
			return false
		}
	}
	if f.habits&habitRightAck == 0 {
		return false
	}
	if ahead > max(MaxAck, a.limit(o)) && a.nearFar(o, a.p.Ack) {
		a.r.senders[o].habits |= habitFarAck
		return false
	}
	return ahead > MaxAck || -ahead > max(MaxAck, a.limit(o)) || a.r.Flags[o]&decap.SYN != 0 && a.before(o, a.p.Ack)
}

// challenges reports whether a bare acknowledgment answers the other side's SYN for a connection that this side has from before: the other
// side resets that one, and sends its SYN again (RFC 9293 section 3.5.1).
func (a Arrival) challenges() bool {
	return a.p.PayloadLen == 0 && a.p.TCPFlags&decap.FIN == 0 && a.r.TCPState == event.TCPSynSent && a.unanswered() && a.outside(1-a.s, a.p.Ack)
}

// unanswered reports whether the other side's SYN was seen, and no answer of this side to it.
func (a Arrival) unanswered() bool {
	return a.r.Flags[1-a.s]&decap.SYN != 0 && a.r.Flags[a.s]&decap.SYN == 0 && a.r.senders[a.s].habits&habitRightAck == 0
}

// answers reports whether a SYN-ACK is the first answer to the other side's SYN.
func (a Arrival) answers() bool {
	o := 1 - a.s
	return a.p.TCPFlags&decap.ACK != 0 && a.unanswered() && a.r.seqKnown(o) && !a.outside(o, a.p.Ack)
}

// before reports whether a sequence number lies before the first byte of a side whose SYN was seen.
func (a Arrival) before(s Side, seq uint32) bool {
	back := int32(a.r.next[s] - seq)
	return back > 0 && uint64(back) > a.r.Payload(s)+uint64(a.r.Missing[s])+1
}

// limit returns how far ahead of a side's bytes its next segment may be: the largest window that the receiver announced. If its scale is
// not known, that is more than systems buffer for a connection; if the receiver was not seen, anything that is ahead.
func (a Arrival) limit(s Side) int32 {
	w := a.r.senders[1-s].windows // the largest one in powers of four, above it the scale
	switch {
	case w>>4 == 0 && a.r.Packets[1-s] == 0:
		return maxJump
	case w>>4 == 0:
		return MaxAck
	default:
		return 1 << min(2*(w&0xf), 30)
	}
}

// nearFar reports whether a sequence number is near that of the latest segment of a side that was refused.
func (a Arrival) nearFar(s Side, seq uint32) bool {
	far := a.r.senders[s].far
	return far != 0 && uint8(seq>>24)-far <= 1
}

// resumes reports whether a side continues at a far sequence number, since the other side has acknowledged bytes there: mirroring was
// interrupted. It notes the number otherwise.
func (a Arrival) resumes(seq uint32) bool {
	f := &a.r.senders[a.s]
	if f.habits&habitFarAck != 0 && a.nearFar(a.s, seq) {
		f.habits &^= habitFarAck
		f.far = 0
		a.r.bits &^= bitSeq0 << a.s
		return true
	}
	f.far = uint8(seq >> 24)
	return false
}

// judgeSYN judges a SYN or SYN-ACK that does not open another connection: see Place. The receiver answers one that is not that of a live
// connection with an acknowledgment of what it has (RFC 5961 section 4).
func (a Arrival) judgeSYN() event.Refusal {
	o := 1 - a.s
	switch {
	case a.answers():
		a.r.senders[a.s].habits |= habitRightAck // what came of this side before was of an older connection
	case a.r.TCPState >= event.TCPEstablished && a.r.seqKnown(a.s) &&
		(a.p.PayloadLen > 0 && a.r.Flags[a.s]&decap.SYN != 0 || a.p.TCPFlags&decap.FIN != 0 || !a.r.beganWith(a.s, a.p.Seq+1)):
		a.r.senders[a.s].far = uint8(a.p.Seq >> 24)
		return event.OutOfWindow
	case a.p.TCPFlags&decap.ACK != 0 && a.r.Flags[o]&decap.SYN != 0 && a.outside(o, a.p.Ack):
		return event.WrongACK
	case a.p.TCPFlags&decap.ACK != 0 && a.r.seqKnown(o):
		a.r.senders[a.s].habits |= habitRightAck
	}
	return event.NotRefused
}

// judgeRST judges a reset. It is believed anywhere in the window. Before the other side's SYN-ACK its acknowledgment counts.
func (a Arrival) judgeRST() event.Refusal {
	if a.r.seqKnown(a.s) {
		if ahead, limit := a.r.ahead(a.s, a.p.Seq), a.limit(a.s); ahead > limit || -ahead > limit {
			return event.OutOfWindow
		}
		return event.NotRefused
	}
	if a.r.TCPState == event.TCPSynSent && a.p.TCPFlags&decap.ACK != 0 && a.outside(1-a.s, a.p.Ack) {
		return event.WrongACK
	}
	return event.NotRefused
}

// outside reports whether a sequence number is not among those that a side has sent, as far as that is known.
func (a Arrival) outside(s Side, seq uint32) bool {
	return a.r.seqKnown(s) && (a.r.ahead(s, seq) > 0 || a.before(s, seq))
}

// doubtful reports whether a segment may not have reached the receiver, or may have been dropped there.
func (a Arrival) doubtful() bool {
	f, h := &a.r.senders[a.s], &a.p.TCP
	return f.ttl != 0 && a.p.TTL != f.ttl || h.IPOptions || h.Signed && f.ttl == 0 ||
		a.p.BadChecksum && !h.Offloaded && f.habits&(habitRightSum|habitWrongSum) != habitWrongSum ||
		h.HasTimestamp && f.habits&habitStamp != 0 && int32(a.r.gapEnd[a.s]-h.Timestamp) > 0 && a.p.PayloadLen > 0
}

// maxDetour is how many hops the ways of a side's packets differ by: paths change. Segments that are made to expire on the way are farther
// off.
const maxDetour = 4

// otherHops reports whether a segment's hop limit is not one of its side, even if its way has changed.
func (a Arrival) otherHops() bool {
	ttl := a.r.senders[a.s].ttl
	return ttl != 0 && a.p.TTL+maxDetour-ttl > 2*maxDetour
}

// Believe notes that a doubtful segment of a side was taken: what was odd about it is the side's habit.
func (r *Record) Believe(s Side, ttl uint8) {
	f := &r.senders[s]
	f.ttl = ttl
	if f.habits&habitRightSum == 0 {
		f.habits |= habitWrongSum
	}
}

// Recover notes n bytes of a side from a sequence number on, which the other side took though their checksum was wrong: so is that of others.
func (r *Record) Recover(s Side, seq uint32, n int, g *Gaps) {
	r.senders[s].habits |= habitWrongSum
	r.sequence(s, &decap.Packet{Seq: seq, PayloadLen: n}, g)
}

// note takes over what a segment that was taken shows of its sender.
func (a Arrival) note() {
	f, h := &a.r.senders[a.s], &a.p.TCP
	if f.ttl == 0 {
		f.ttl = a.p.TTL
	}
	if !h.Known {
		return
	}
	if a.p.TCPFlags&decap.SYN != 0 {
		f.windows = (1 + h.Scale) << 4
		f.announce(uint32(h.Window))
		f.habits &^= habitStamp
	}
	if h.HasTimestamp && a.r.Missing[a.s] == 0 && (f.habits&habitStamp == 0 || int32(h.Timestamp-a.r.gapEnd[a.s]) > 0) {
		a.r.gapEnd[a.s] = h.Timestamp
		f.habits |= habitStamp
	}
}

// announce notes a window in bytes, once its scale is known.
func (f *sender) announce(window uint32) {
	if step := uint8(bits.Len32(max(window, 1)-1)+1) / 2; f.windows>>4 != 0 && step > f.windows&0xf {
		f.windows = f.windows&^0xf | min(step, 15)
	}
}

// TwoCopies notes that two copies of the same bytes of a side differed, and the receiver may have taken either.
func (r *Record) TwoCopies(s Side) { r.senders[s].habits |= habitTwoCopies }

// Overlap returns whether copies of the same bytes differed, as a conflict.
func (r *Record) Overlap() event.Conflict {
	if r.Key.Proto == decap.TCP && (r.senders[0].habits|r.senders[1].habits)&habitTwoCopies != 0 {
		return event.Overlap
	}
	return 0
}
