package stream

import (
	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/flow"
	"github.com/mirrorsink/mirrorsink/inspect/l7"
)

// Feed takes a TCP segment of a flow.
func (t *Table) Feed(r *flow.Record, seg Segment) {
	c := t.conns[r.Stream]
	payload := seg.Packet.Payload
	if c == nil {
		if len(payload) == 0 {
			return
		}
		if c = t.open(r, &seg); c == nil {
			return
		}
	}
	t.touch(r)
	c.noteACK(&seg)
	t.confirm(r, c, &seg)
	if len(payload) > 0 {
		t.readPostponed(r, c, 1-seg.Side)
		t.accept(r, c, seg)
	}
	t.skipOldGaps(r, c, seg.Nanos)
	t.finishIfDone(r, c)
}

// Restart drops what was kept of a side whose SYN showed that it was of an older connection.
func (t *Table) Restart(r *flow.Record, s flow.Side) {
	if c := t.conns[r.Stream]; c != nil {
		c.direction[s].buf.Close(&t.pool)
		c.restart(s)
	}
}

// open gives a connection parsing state for its first bytes, or for a later segment that begins like a message of a known protocol:
// TLS after STARTTLS, HTTP on a connection that was picked up in the middle.
func (t *Table) open(r *flow.Record, seg *Segment) *conn {
	p, s := seg.Packet, seg.Side
	if r.Tries >= maxTries && !startsTLS(r, p.Payload) {
		return nil
	}
	first := r.Payload(s) <= uint64(p.PayloadLen)
	if r.Tries > 0 && !first && !Begins(p.Payload) {
		tried(r)
		return nil
	}
	c := t.add(r)
	for s := range c.direction {
		c.direction[s].candidates = streamProtos
	}
	if r.Tries > 0 && !first {
		c.direction[s].buf.Open(p.Seq, true)
	}
	o := 1 - s
	if next, known := r.Next(o); known && (r.Flags[o]&decap.SYN != 0 || r.Missing[o] == 0) {
		c.direction[o].buf.Open(next, true) // what comes again of the bytes before is no message
	}
	return c
}

// tlsHandshake is the first byte of a TLS connection (RFC 8446 section 5.1).
const tlsHandshake = 22

// tried counts that nothing was recognized.
func tried(r *flow.Record) { r.Tries = min(r.Tries+1, maxTries) }

// noteACK notes that the peer has the bytes of a gap.
func (c *conn) noteACK(seg *Segment) {
	d := &c.direction[1-seg.Side]
	ack, ok := seg.ack()
	if !ok {
		return
	}
	if d.buf.HasGap() && int32(ack-d.buf.GapEnd()) >= 0 {
		d.acked = true
	}
	if d.far.since != 0 && int32(ack-d.far.seq) >= 0 {
		d.far.acked = true
	}
}

// accept shows a segment's bytes to the parsers, or keeps them until those before have come.
func (t *Table) accept(r *flow.Record, c *conn, seg Segment) {
	d := &c.direction[seg.Side]
	payload, seq := seg.Packet.Payload, seg.Packet.Seq
	if seg.Packet.TCPFlags&decap.SYN != 0 {
		seq++ // TCP Fast Open (RFC 7413)
	}
	if d.contradicts(seq, payload) {
		r.TwoCopies(seg.Side)
	}
	switch d.mode {
	case stopped:
		return
	case seeking:
		if !c.begins(payload) {
			return
		}
		c.restart(seg.Side)
		d.buf.Open(seq, true)
	case reading:
		d.buf.Open(seg.start(r, seq))
	}
	if len(payload) < seg.Packet.PayloadLen {
		d.truncated, d.truncAt = true, seq+uint32(len(payload))
	}
	seg.Doubtful = seg.Doubtful || d.older(seg.Packet)
	switch placed := t.place(d, &seg, seq); {
	case placed == inOrder:
		t.countClashes(r, seg.Side, &d.buf)
		t.read(r, c, seg)
	case placed == outOfWindow && !d.waits(r, &seg, seq):
		d.far = far{}
		t.skipGap(r, c, seg)
		if d.mode == seeking && c.begins(payload) {
			t.accept(r, c, seg)
		}
	default:
		t.countClashes(r, seg.Side, &d.buf)
	}
	d.buf.Detach(&t.pool)
}

// waits reports whether a segment beyond the buffer displaces nothing. If no bytes are missing before it the buffer is full.
func (d *direction) waits(r *flow.Record, seg *Segment, seq uint32) bool {
	end := d.buf.End()
	return seg.Doubtful || r.BothSides() && int32(seq-end) > 0 && d.far.wait(end, seq, seg.Nanos)
}

// place adds a segment that begins at a sequence number to its direction's buffer.
func (t *Table) place(d *direction, seg *Segment, seq uint32) placement {
	p := seg.Packet
	why := seg.doubt()
	if why == certain {
		return d.buf.Add(seq, p.Payload, &t.pool)
	}
	nanos := seg.Nanos
	if d.buf.Doubts() {
		nanos = d.odd.nanos
	}
	d.odd = odd{nanos: nanos, ack: p.Ack, flags: p.TCPFlags, ttl: p.TTL}
	return d.buf.AddDoubtful(seq, p.Payload, why, &t.pool)
}

// start returns where a direction's first message starts, and whether that is certain: after a SYN it is.
func (s *Segment) start(r *flow.Record, seq uint32) (uint32, bool) {
	if r.Flags[s.Side]&decap.SYN != 0 {
		return s.Next, true
	}
	return seq, false
}

// finishIfDone ends the parsing state of a connection that has nothing left to read, or that no parser recognized.
func (t *Table) finishIfDone(r *flow.Record, c *conn) {
	a, b := &c.direction[0], &c.direction[1]
	switch {
	case c.proto != l7.None && a.mode == stopped && b.mode == stopped:
		r.Tries = doneTries
		t.handler.StreamDone(r, c.proto)
	case c.proto == l7.None && (a.mode == seeking && !b.buf.Busy() || b.mode == seeking && !a.buf.Busy()):
		tried(r)
	default:
		t.evict()
		return
	}
	t.release(r, c)
}

// End makes the best of what was gathered of a flow that ends at a time, and releases its parsing state.
func (t *Table) End(r *flow.Record, nanos int64) {
	c := t.conns[r.Stream]
	if c == nil {
		return
	}
	if c.state != nil {
		t.flushDatagrams(r, c, nanos)
	}
	for s := range c.direction {
		for d := &c.direction[s]; d.buf.Busy() && d.mode == reading; {
			t.skipGap(r, c, Segment{Side: flow.Side(s), Nanos: nanos})
		}
	}
	t.release(r, c)
}
