package forward

import (
	"unsafe"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/flow"
)

// reorderBuffer holds the segments that wait. Its memory is bounded and reused.
type reorderBuffer struct {
	cfg       Reorder
	slots     []*slot    // by number; slots[0] is unused: 0 means none
	free      []uint32   // numbers of slots
	released  []uint32   // of slots whose frame belongs to the Forwarder until the next flush
	deadlines []deadline // in the order of arrival; those before first, and some after it, are over
	first     int
	room      int    // bytes that may still be allocated
	serial    uint64 // of the last stored frame
}

// slot holds a waiting frame. The packet and everything that it points to are copies.
type slot struct {
	frame  decap.Frame
	pkt    decap.Packet
	data   []byte
	next   uint32 // the slot of the next segment of the direction, in the order of sequence numbers; 0 is none
	end    uint32 // the sequence number after the segment
	serial uint64 // distinguishes the frame from earlier ones in the slot; 0 is no frame
}

// slotSize is the memory of a slot without the bytes of its frame.
const slotSize = int(unsafe.Sizeof(slot{}))

// deadline is the time at which a frame stops waiting.
type deadline struct {
	nanos  int64
	serial uint64 // of the frame
	slot   uint32
	flow   uint32
	side   flow.Side
}

func newReorderBuffer(cfg Reorder, bytes int) *reorderBuffer {
	return &reorderBuffer{cfg: cfg, slots: make([]*slot, 1), room: bytes}
}

// store copies a frame into a free slot and returns the slot's number; 0 if there is no room.
func (b *reorderBuffer) store(f decap.Frame) uint32 {
	from := f.Packet
	if len(b.free) == 0 {
		if b.room < slotSize {
			return 0
		}
		b.room -= slotSize
		b.slots, b.free = append(b.slots, new(slot)), append(b.free, uint32(len(b.slots)))
	}
	number := b.free[len(b.free)-1]
	to := b.slots[number]
	if more := len(from.Frame) - cap(to.data); more > 0 {
		if b.room < more {
			return 0
		}
		b.room -= more
		to.data = make([]byte, 0, len(from.Frame))
	}
	to.data = append(to.data[:0], from.Frame...)
	if !from.CopyInto(&to.pkt, to.data) {
		return 0
	}
	b.free = b.free[:len(b.free)-1]
	b.serial++
	to.frame, to.end, to.serial = f, from.Seq+seqLen(from), b.serial
	to.frame.Packet = &to.pkt
	return number
}

// insert adds a slot to a list, in the order of sequence numbers. Of equal numbers the first one stays first.
func (b *reorderBuffer) insert(head *uint32, number uint32) {
	s := b.slots[number]
	link := head
	for *link != 0 && int32(s.pkt.Seq-b.slots[*link].pkt.Seq) >= 0 {
		link = &b.slots[*link].next
	}
	s.next, *link = *link, number
}

// release marks the frame of a slot as sent.
func (b *reorderBuffer) release(number uint32) {
	b.slots[number].serial = 0
	b.released = append(b.released, number)
}

// reclaim frees the slots whose frames the Forwarder no longer uses.
func (b *reorderBuffer) reclaim() {
	b.free, b.released = append(b.free, b.released...), b.released[:0]
}
