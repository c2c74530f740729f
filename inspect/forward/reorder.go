package forward

import (
	"time"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/flow"
)

// Reorder makes TCP segments that came early wait for the segments before them, so that a sensor receives them in the order
// in which they were sent: copies that come through a load balancer may take two paths. The zero value disables it.
type Reorder struct {
	Time    time.Duration // the longest wait of a segment, by packet time
	Packets int           // the most segments of a direction that wait
}

// order is the position in the sequence of a flow's segments, by side.
type order struct {
	due     [2]uint32 // the next sequence number
	head    [2]uint32 // the slot of the first waiting segment; 0 is none
	waiting [2]uint16 // the number of waiting segments
	started [2]bool   // due is known
}

// enqueue sends a frame, or makes it wait for those before it.
func (s *Selector) enqueue(r *flow.Record, f *flowState, p *Packet, frame decap.Frame) {
	if s.buffer == nil || p.Proto != decap.TCP || !p.HasTCP {
		s.send(frame)
		return
	}
	ahead := f.ahead(p)
	switch {
	case p.TCPFlags&decap.RST != 0: // the receiver considers the connection closed
		s.flushFlow(r)
		s.send(frame)
	case seqLen(p.Packet) == 0: // nothing waits for it, and it does not prove that the segments before it have come
		s.send(frame)
	case ahead <= 0:
		s.send(frame)
		s.advance(f, p)
	case s.push(r, f, p, frame):
	default:
		s.flushSide(f, p.Side)
		s.send(frame)
		s.advance(f, p)
	}
}

// skip advances past a segment that is not forwarded.
func (s *Selector) skip(f *flowState, p *Packet) {
	if s.buffer != nil && p.Proto == decap.TCP && p.HasTCP && f.ahead(p) <= 0 {
		s.advance(f, p)
	}
}

// seqLen returns how many sequence numbers a segment takes.
func seqLen(p *decap.Packet) uint32 {
	n := uint32(p.PayloadLen)
	if p.TCPFlags&decap.SYN != 0 {
		n++
	}
	if p.TCPFlags&decap.FIN != 0 {
		n++
	}
	return n
}

// ahead returns how far a segment is ahead of the due sequence number. The first segment of a side is due.
func (o *order) ahead(p *Packet) int32 {
	if !o.started[p.Side] {
		o.due[p.Side], o.started[p.Side] = p.Seq, true
	}
	return int32(p.Seq - o.due[p.Side])
}

// advance moves the due sequence number past a segment, and sends the waiting segments that are due then.
func (s *Selector) advance(f *flowState, p *Packet) {
	side := p.Side
	f.moveTo(side, p.Seq+seqLen(p.Packet))
	for f.head[side] != 0 {
		first := s.buffer.slots[f.head[side]]
		if int32(first.pkt.Seq-f.due[side]) > 0 {
			return
		}
		s.Counts.Reordered++
		s.pop(f, side)
	}
}

// moveTo moves the due sequence number forward.
func (o *order) moveTo(side flow.Side, seq uint32) {
	if int32(seq-o.due[side]) > 0 {
		o.due[side] = seq
	}
}

// push keeps a copy of a frame that waits. It reports false if there is no room.
func (s *Selector) push(r *flow.Record, f *flowState, p *Packet, frame decap.Frame) bool {
	b, side := s.buffer, p.Side
	if int(f.waiting[side]) >= b.cfg.Packets {
		return false
	}
	number := b.store(frame)
	if number == 0 {
		return false
	}
	b.insert(&f.head[side], number)
	f.waiting[side]++
	s.Counts.Waiting++
	b.deadlines = append(b.deadlines, deadline{
		nanos: p.Clock + int64(b.cfg.Time), serial: b.slots[number].serial, slot: number, flow: s.Flows.Ref(r), side: side,
	})
	return true
}

// pop sends the first waiting segment of a side.
func (s *Selector) pop(f *flowState, side flow.Side) {
	number := f.head[side]
	first := s.buffer.slots[number]
	f.head[side], f.waiting[side] = first.next, f.waiting[side]-1
	f.moveTo(side, first.end)
	s.Counts.Waiting--
	s.send(first.frame)
	s.buffer.release(number)
}

// flushSide sends all waiting segments of a side, in order.
func (s *Selector) flushSide(f *flowState, side flow.Side) {
	for f.head[side] != 0 {
		s.Counts.TimedOut++
		s.pop(f, side)
	}
}

// flushFlow sends all waiting segments of a flow.
func (s *Selector) flushFlow(r *flow.Record) {
	f := s.state(r)
	s.flushSide(f, 0)
	s.flushSide(f, 1)
}

// expire sends the segments whose deadline has passed, and those behind them.
func (s *Selector) expire(nanos int64) {
	b := s.buffer
	for ; b.first < len(b.deadlines) && b.deadlines[b.first].nanos <= nanos; b.first++ {
		if d := &b.deadlines[b.first]; b.slots[d.slot].serial == d.serial {
			s.flushSide(&s.states[d.flow], d.side)
		}
	}
	if b.first > len(b.deadlines)/2 {
		b.deadlines, b.first = b.deadlines[:copy(b.deadlines, b.deadlines[b.first:])], 0
	}
}
