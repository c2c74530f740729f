package stream

import (
	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/flow"
)

// repeats bounds how often parsers are shown the same bytes of a message. A parser that wants more is called again with all of them, so that
// a message which comes byte by byte would cost the square of its length. Once that has cost enough a message is shown again only when it
// has grown by a part of its length, or when the other side speaks, which shows that it is complete.
type repeats struct {
	shown  int32 // bytes that were shown in vain
	length int32 // that the message had when it was shown last
	behind bool  // bytes have come since then
	ack    uint32
	acks   bool
	nanos  int64 // the time of the last of them
}

const (
	freeBytes   = 256 << 10 // shown at no condition: a message of 700 bytes that come one by one
	forcedBytes = 1 << 20   // shown when the other side speaks
	growth      = 32        // otherwise a message is shown when it has grown by 1/growth of its length
)

// postpone reports whether the parsers are not shown the n bytes that there are with a segment, since they have seen most of them too often.
func (p *repeats) postpone(n int, seg *Segment) bool {
	if p.shown < freeBytes || int32(n) >= p.length+p.length/growth {
		p.behind = false
		return false
	}
	p.behind, p.nanos = true, seg.Nanos
	p.ack, p.acks = seg.ack()
	return true
}

// inVain notes that n bytes are not all of a message.
func (p *repeats) inVain(n int) {
	p.shown += int32(n)
	p.length = int32(n)
}

// readPostponed shows the parsers what they were not shown of a side, since the other one speaks now.
func (t *Table) readPostponed(r *flow.Record, c *conn, s flow.Side) {
	p := &c.direction[s].repeats
	if !p.behind || p.shown >= forcedBytes {
		return
	}
	p.length = 0
	t.last = decap.Packet{Ack: p.ack}
	if p.acks {
		t.last.TCPFlags = decap.ACK
	}
	t.read(r, c, Segment{Side: s, Nanos: p.nanos, Packet: &t.last})
}
