package inspect

import (
	"time"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/flow"
)

// Reorder has TCP segments that have overtaken others of their flow wait for these, so that who reads the frames gets them in the
// order in which they were sent: copies that come through a load balancer may take two ways. The zero value has none wait.
type Reorder struct {
	Time    time.Duration // how long a segment waits at most, by packet time
	Packets int           // how many of a flow's direction wait at most
}

// turns is what is known of the order of a flow's segments, by side. It is in a flow's course.
type turns struct {
	next  [2]uint32 // the sequence number that comes next
	first [2]uint32 // the segment that waits and is the first of them; 0 is none
	n     [2]uint16 // how many wait
	known [2]bool   // next is
}

// bench is where segments wait. Its memory is bounded, and used again.
type bench struct {
	cfg   Reorder
	seats []*seat
	free  []uint32 // numbers of seats
	left  []uint32 // of those whose frame went, and is the forwarder's until the next flush
	queue []waiter // who waits, and some who did, in the order of their coming, from head on
	head  int
	room  int    // bytes that may still be taken
	turn  uint64 // of who sat down last
}

// seat holds a frame that waits. Its packet and all that it points to are copies.
type seat struct {
	frame decap.Frame
	pkt   decap.Packet
	data  []byte
	next  uint32 // the seat of the next one of its flow's side, in the order of sequence numbers; 0 is none
	ends  uint32 // the sequence number behind it
	turn  uint64 // tells who sits here from those before; 0 is nobody
}

// waiter says until when somebody waits.
type waiter struct {
	until int64
	turn  uint64
	seat  uint32
	flow  uint32
	side  flow.Side
}

func newBench(cfg Reorder, bytes int) *bench {
	return &bench{cfg: cfg, seats: make([]*seat, 1), room: bytes}
}

// order sends a frame, or has it wait for those before it.
func (w *Worker) order(r *flow.Record, c *course, s flow.Side, f decap.Frame) {
	b, p := w.forward.bench, f.Packet
	if b == nil || p.Proto != decap.TCP || !p.HasTCP {
		w.send(f)
		return
	}
	ahead := c.turns.ahead(s, p)
	switch {
	case p.TCPFlags&decap.RST != 0: // who reads it takes the connection for closed
		w.disperse(r)
		w.send(f)
	case length(p) == 0: // it is in nobody's way, and does not say that what was sent before it has come
		w.send(f)
	case ahead <= 0:
		w.send(f)
		w.proceedTo(c, s, p.Seq+length(p))
	case w.wait(r, c, s, f):
	default:
		w.giveUp(c, s)
		w.send(f)
		w.proceedTo(c, s, p.Seq+length(p))
	}
}

// follow notes a segment that is not forwarded.
func (w *Worker) follow(c *course, s flow.Side, p *decap.Packet) {
	if w.forward.bench != nil && p.Proto == decap.TCP && p.HasTCP && c.turns.ahead(s, p) <= 0 {
		w.proceedTo(c, s, p.Seq+length(p))
	}
}

// length is how many sequence numbers a segment takes.
func length(p *decap.Packet) uint32 {
	n := uint32(p.PayloadLen)
	if p.TCPFlags&decap.SYN != 0 {
		n++
	}
	if p.TCPFlags&decap.FIN != 0 {
		n++
	}
	return n
}

// ahead returns how far a segment is ahead of its turn, which the first one of a side is not.
func (l *turns) ahead(s flow.Side, p *decap.Packet) int32 {
	if !l.known[s] {
		l.next[s], l.known[s] = p.Seq, true
	}
	return int32(p.Seq - l.next[s])
}

// proceedTo notes what was sent, and sends whom that lets go.
func (w *Worker) proceedTo(c *course, s flow.Side, next uint32) {
	l := &c.turns
	if int32(next-l.next[s]) > 0 {
		l.next[s] = next
	}
	for l.first[s] != 0 {
		at := w.forward.bench.seats[l.first[s]]
		if int32(at.frame.Packet.Seq-l.next[s]) > 0 {
			return
		}
		w.stats.Forward.Reordered++
		w.stand(l, s)
	}
}

// stand sends the first one that waits.
func (w *Worker) stand(l *turns, s flow.Side) {
	b := w.forward.bench
	number := l.first[s]
	at := b.seats[number]
	l.first[s], l.n[s] = at.next, l.n[s]-1
	if int32(at.ends-l.next[s]) > 0 {
		l.next[s] = at.ends
	}
	w.stats.Forward.Waiting--
	w.send(at.frame)
	b.left = append(b.left, number)
	at.turn = 0
}

// giveUp sends all that wait of a side, in order.
func (w *Worker) giveUp(c *course, s flow.Side) {
	for c.turns.first[s] != 0 {
		w.stats.Forward.GivenUp++
		w.stand(&c.turns, s)
	}
}

// disperse sends what waits of a flow that ends.
func (w *Worker) disperse(r *flow.Record) {
	if w.forward.bench != nil {
		c := w.course(r)
		w.giveUp(c, 0)
		w.giveUp(c, 1)
	}
}

// expire sends those that have waited for too long, and those behind them.
func (w *Worker) expire(now int64) {
	b := w.forward.bench
	for ; b.head < len(b.queue) && b.queue[b.head].until <= now; b.head++ {
		if o := &b.queue[b.head]; b.seats[o.seat].turn == o.turn {
			w.giveUp(&w.forward.courses[o.flow], o.side)
		}
	}
	if b.head > len(b.queue)/2 {
		b.queue, b.head = b.queue[:copy(b.queue, b.queue[b.head:])], 0
	}
}
