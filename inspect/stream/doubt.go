package stream

import (
	"bytes"
	"slices"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/flow"
)

// doubt is why bytes are kept without being read: the receiver may not have them. Another copy takes their place.
type doubt uint8

// Reasons for doubt.
const (
	certain   doubt = iota
	oddPacket       // flow.Verdict.Doubtful: read when they are acknowledged, or at last if nothing contradicts them
	wrongSum        // of a segment that was refused for its checksum: the same, but they contradict nothing
	synData         // of a SYN: read when they are acknowledged, or continued
	padding         // zero bytes of what looks like a bare acknowledgment: the same
)

// doubt returns why a segment's bytes cannot be read yet.
func (s *Segment) doubt() doubt {
	p := s.Packet
	switch {
	case s.WrongSum:
		return wrongSum
	case p.TCPFlags&decap.SYN != 0:
		return synData
	case s.Doubtful:
		return oddPacket
	case len(p.Payload) <= maxPadding && p.TCPFlags == decap.ACK && allZero(p.Payload):
		return padding
	}
	return certain
}

// maxPadding is by how much Ethernet, which pads packets to 46 bytes, lengthens a bare acknowledgment in IPv4. Some drivers count the
// padding into the packet, which then looks like one with payload. As many zero bytes are taken for padding in longer packets too: with
// options, and in IPv6.
const maxPadding = 46 - decap.IPv4Len - decap.TCPLen

func allZero(b []byte) bool {
	for _, x := range b {
		if x != 0 {
			return false
		}
	}
	return true
}

// older reports whether a segment has an older timestamp than others of its direction: the receiver may drop it (RFC 7323 section 5). It
// notes the timestamp otherwise.
func (d *direction) older(p *decap.Packet) bool {
	h := &p.TCP
	if !h.HasTimestamp {
		return false
	}
	if d.stamped && int32(d.stamp-h.Timestamp) > 0 {
		return true
	}
	d.stamp, d.stamped = h.Timestamp, true
	return false
}

// clashes are what differed when a segment was added to a buffer.
type clashes uint8

// Kinds of clashes: a bit for each doubt that the bytes had of which another copy came.
const (
	clashCopies  clashes = 1<<certain | 1<<oddPacket
	clashSYN     clashes = 1 << synData
	clashPadding clashes = 1 << padding
)

// AddDoubtful adds a segment whose bytes are not to be read yet.
func (b *buffer) AddDoubtful(seq uint32, payload []byte, why doubt, pool *bufferPool) placement {
	off := int64(int32(seq - b.base))
	if off < 0 {
		if -off >= int64(len(payload)) {
			return duplicate
		}
		payload = payload[-off:]
		off = 0
	}
	if off+int64(len(payload)) > maxBuffered {
		return outOfWindow
	}
	if why != wrongSum {
		b.yield(int32(off), payload, wrongSum)
	}
	return b.insert(int32(off), payload, why, pool)
}

// yield takes the bytes out of the buffer that have at least a doubt and of which a better copy comes, and believes those that it continues.
func (b *buffer) yield(off int32, data []byte, least doubt) {
	end := off + int32(len(data))
	for i := 0; i < len(b.runs); i++ {
		r := b.runs[i]
		lo, hi := max(off, r.off), min(end, r.end)
		switch {
		case r.doubt < least || least > oddPacket && r.doubt != least:
		case r.end == off:
			b.continued(i)
		case lo < hi:
			if !bytes.Equal(b.buf[lo:hi], data[lo-off:hi-off]) {
				b.clashes |= 1 << r.doubt
			}
			var parts [2]run
			rest := parts[:0]
			if r.off < lo {
				rest = append(rest, run{r.off, lo, r.head, r.doubt})
			}
			if hi < r.end {
				rest = append(rest, run{hi, r.end, false, r.doubt})
			}
			b.runs = slices.Replace(b.runs, i, i+1, rest...)
			i += len(rest) - 1
		}
	}
}

// continued believes the bytes of a SYN, or zero bytes, up to a run: others follow them.
func (b *buffer) continued(i int) {
	for end := b.runs[i].end; i >= 0 && b.runs[i].end == end && b.runs[i].doubt > wrongSum; i-- {
		b.runs[i].doubt = certain
		end = b.runs[i].off
	}
}

// Doubts reports whether any doubtful bytes are in the buffer.
func (b *buffer) Doubts() bool {
	for i := range b.runs {
		if b.runs[i].doubt != certain {
			return true
		}
	}
	return false
}

// Believe takes the doubtful bytes next to the contiguous front as certain that are acknowledged up to a sequence number, and reports
// whether there are any.
func (b *buffer) Believe(ack uint32) (grown bool) {
	for i := range b.runs {
		r := &b.runs[i]
		if r.doubt == certain {
			continue
		}
		if int32(ack-b.base)-r.end < 0 || r.off > b.front() {
			break
		}
		if r.doubt == wrongSum {
			if b.recovered.end == b.recovered.off {
				b.recovered.off = r.off
			}
			b.recovered.end = r.end
		}
		r.doubt, grown = certain, true
	}
	return grown
}

// Give takes the doubtful bytes of a direction next to the contiguous front as certain, since nothing contradicted them for long, and
// reports whether there are any. Those of a SYN are dropped, and those with a wrong checksum if the other side goes on without them.
func (d *direction) Give(pool *bufferPool) (grown bool) {
	d.buf.forget(synData, pool)
	if d.odd.ignored {
		d.buf.forget(wrongSum, pool)
	}
	return d.buf.Believe(d.buf.base + maxBuffered)
}

// forget drops the bytes of a doubt, and reports whether there are any.
func (b *buffer) forget(why doubt, pool *bufferPool) bool {
	n := len(b.runs)
	b.runs = slices.DeleteFunc(b.runs, func(r run) bool { return r.doubt == why })
	if len(b.runs) == 0 {
		b.drop(pool)
	}
	return len(b.runs) != n
}

// compare compares the bytes of a run with those that a segment has at their place, and keeps both copies if that is to be and they differ. front
// is the length of what does not wait.
func (b *buffer) compare(r run, off int32, data []byte, keep bool, front int32, pool *bufferPool) {
	lo, hi := max(off, r.off), min(off+int32(len(data)), r.end)
	if lo >= hi || bytes.Equal(b.buf[lo:hi], data[lo-off:hi-off]) {
		return
	}
	b.clashes |= 1 << r.doubt
	if keep {
		b.keepOther(lo, data[lo-off:hi-off], r.off > max(front, off), pool)
	}
}

// keepOther keeps one of two copies of bytes that differ, so that it can be read if the other one cannot. Systems differ in which they take.
// Most have a segment that comes in order take the place of bytes which have waited for it; else the first one stays.
func (b *buffer) keepOther(off int32, data []byte, better bool, pool *bufferPool) {
	if len(b.other) == 0 {
		b.other = append(pool.Get(len(data)), data...)
		b.otherOff = off
		if better {
			b.swapOther()
		}
		return
	}
	if better {
		copy(b.buf[off:], data)
	}
}

// swapOther swaps the two copies.
func (b *buffer) swapOther() {
	for i := range b.other {
		at := &b.buf[int(b.otherOff)+i]
		*at, b.other[i] = b.other[i], *at
	}
}

// takeOther puts the other copy in the place of the one that could not be read, and reports whether there is one.
func (b *buffer) takeOther(pool *bufferPool) bool {
	if len(b.other) == 0 || b.aliased != nil {
		return false
	}
	b.swapOther()
	b.dropOther(pool)
	return true
}

func (b *buffer) dropOther(pool *bufferPool) {
	pool.Put(b.other)
	b.other, b.otherOff = nil, 0
}

// odd is what is kept of the latest doubtful segment of a direction.
type odd struct {
	nanos   int64 // of the first one
	ack     uint32
	flags   uint8
	ttl     uint8
	ignored bool // the other side sent something later that does not acknowledge it
}

// Refused takes a segment that was refused for its checksum. It shows nothing of the connection. Its bytes are read if the other side
// acknowledges them and no other copy comes: then the capture was edited after it was made.
func (t *Table) Refused(r *flow.Record, seg Segment) {
	p := seg.Packet
	next, known := r.Next(seg.Side)
	if !known || len(p.Payload) == 0 || len(p.Payload) != p.PayloadLen || p.TCPFlags&(decap.SYN|decap.RST) != 0 {
		return
	}
	c := t.conns[r.Stream]
	if c == nil {
		if c = t.open(r, &seg); c == nil {
			return
		}
	}
	t.touch(r)
	if d := &c.direction[seg.Side]; d.mode == reading {
		seg.WrongSum = true
		d.buf.Open(next, r.Flags[seg.Side]&decap.SYN != 0)
		t.place(d, &seg, p.Seq)
	}
	t.finishIfDone(r, c)
}

// confirm reads the doubtful bytes of the other side that a segment acknowledges. A SYN-ACK that does not acknowledge the data of the SYN
// shows that its sender dropped them.
func (t *Table) confirm(r *flow.Record, c *conn, seg *Segment) {
	o := 1 - seg.Side
	d := &c.direction[o]
	ack, ok := seg.ack()
	if !ok || !d.buf.Doubts() {
		return
	}
	if d.buf.Believe(ack) {
		t.readBelieved(r, c, o)
	} else if seg.Packet.TCPFlags&decap.SYN != 0 && d.buf.forget(synData, &t.pool) {
		t.refused[event.SYNData]++
	}
	d.odd.ignored = true
}

// readBelieved reads bytes that were doubtful, as of the segment that they came in.
func (t *Table) readBelieved(r *flow.Record, c *conn, s flow.Side) {
	d := &c.direction[s]
	if d.odd.ttl != 0 {
		r.Believe(s, d.odd.ttl)
	}
	if b := &d.buf; b.recovered.end > b.recovered.off {
		r.Recover(s, b.base+uint32(b.recovered.off), int(b.recovered.end-b.recovered.off), t.flows.Gaps())
		b.recovered = run{}
	}
	t.believed = decap.Packet{TCPFlags: d.odd.flags, Ack: d.odd.ack}
	t.read(r, c, Segment{Side: s, Nanos: d.odd.nanos, Packet: &t.believed})
}

// countClashes notes where the copies of a direction's bytes differed.
func (t *Table) countClashes(r *flow.Record, s flow.Side, b *buffer) {
	if b.clashes&clashCopies != 0 {
		r.TwoCopies(s)
	}
	if b.clashes&clashSYN != 0 {
		t.refused[event.SYNData]++
	}
	if b.clashes&clashPadding != 0 {
		t.refused[event.Padding]++
	}
	b.clashes = 0
}
