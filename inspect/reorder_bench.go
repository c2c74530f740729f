package inspect

import (
	"unsafe"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/flow"
)

// wait keeps a copy of a frame that has overtaken others. It reports false if there is no room.
func (w *Worker) wait(r *flow.Record, c *course, s flow.Side, f decap.Frame) bool {
	b, l := w.forward.bench, &c.turns
	if int(l.n[s]) >= b.cfg.Packets {
		return false
	}
	number := b.sit(f)
	if number == 0 {
		return false
	}
	at := b.seats[number]
	link := &l.first[s]
	for *link != 0 && int32(at.pkt.Seq-b.seats[*link].pkt.Seq) >= 0 {
		link = &b.seats[*link].next
	}
	at.next, *link = *link, number
	l.n[s]++
	w.stats.Forward.Waiting++
	b.queue = append(b.queue, waiter{w.clock + int64(b.cfg.Time), at.turn, number, w.flows.Ref(r), s})
	return true
}

// sit copies a frame to a seat; 0 if there is none for it.
func (b *bench) sit(f decap.Frame) uint32 {
	from := f.Packet
	if n := len(b.free); n == 0 {
		if b.room < seatBytes {
			return 0
		}
		b.room -= seatBytes
		b.seats, b.free = append(b.seats, new(seat)), append(b.free, uint32(len(b.seats)))
	}
	number := b.free[len(b.free)-1]
	at := b.seats[number]
	if more := len(from.Frame) - cap(at.data); more > 0 {
		if b.room < more {
			return 0
		}
		b.room -= more
		at.data = make([]byte, 0, len(from.Frame))
	}
	at.data = append(at.data[:0], from.Frame...)
	if !from.CopyInto(&at.pkt, at.data) {
		return 0
	}
	b.free = b.free[:len(b.free)-1]
	b.turn++
	at.frame, at.ends, at.turn = f, from.Seq+length(from), b.turn
	at.frame.Packet = &at.pkt
	return number
}

// seatBytes is what a seat takes beside the bytes of its frame.
const seatBytes = int(unsafe.Sizeof(seat{}))

// clear lets the seats of those that the forwarder has let go be taken again.
func (b *bench) clear() {
	b.free, b.left = append(b.free, b.left...), b.left[:0]
}
