package stream

import (
	"encoding/binary"
	"hash/maphash"
	"math/bits"

	"github.com/mirrorsink/mirrorsink/inspect/l7"
)

// past remembers what a direction's latest message began with, so that another copy of the same bytes can be compared with it after
// they were read. It keeps a hash of each block, not the bytes.
type past struct {
	base   uint32 // sequence number of the first byte
	n      uint16 // how many bytes are remembered
	blocks [pastBlocks]uint32
}

const (
	pastBlock  = 16
	pastBlocks = 48
)

// pastSeed keeps an attacker from making two copies with the same hashes. Nothing that is written depends on it otherwise.
var pastSeed = maphash.Comparable(maphash.MakeSeed(), 0)

// remember keeps what a message was that asks for something or names the flow.
func (d *direction) remember(h *l7.Hint, data []byte, pool *pastPool) {
	if h.Role != l7.Request && h.NameSource == l7.NoName {
		return
	}
	if n := h.Next; n > 0 && n < len(data) {
		data = data[:n]
	}
	if d.past == nil {
		d.past = pool.get()
	}
	d.past.Keep(d.buf.Base(), data)
}

// contradicts reports whether a segment holds other bytes than were read of its direction. A single byte may be that of a keepalive, which
// can have any value.
func (d *direction) contradicts(seq uint32, payload []byte) bool {
	m := d.past
	return m != nil && int32(m.base+uint32(m.n)-seq) > 0 && len(payload) > 1 && m.Differs(seq, payload)
}

// pastPool keeps the memory of those that are not needed any more, for reuse.
type pastPool struct{ free []*past }

func (p *pastPool) get() *past {
	if n := len(p.free); n > 0 {
		m := p.free[n-1]
		p.free = p.free[:n-1]
		return m
	}
	return new(past)
}

// put takes back what a direction remembers.
func (p *pastPool) put(d *direction) {
	if d.past != nil && len(p.free) < maxSpare {
		p.free = append(p.free, d.past)
	}
	d.past = nil
}

// Keep remembers the first bytes of a message.
func (m *past) Keep(base uint32, data []byte) {
	data = data[:min(len(data), pastBlock*pastBlocks)]
	m.base, m.n = base, uint16(len(data))
	i := 0
	for ; len(data) >= pastBlock; i++ {
		m.blocks[i] = blockHash16(data)
		data = data[pastBlock:]
	}
	if len(data) > 0 {
		m.blocks[i] = blockHash(data)
	}
}

// Differs reports whether a segment holds other bytes than were read. It compares the blocks of which the segment has all bytes.
func (m *past) Differs(seq uint32, data []byte) bool {
	for off := 0; off < int(m.n); off += pastBlock {
		end := min(off+pastBlock, int(m.n))
		at := int64(int32(m.base + uint32(off) - seq)) // where the block is in the segment
		if at < 0 || at+int64(end-off) > int64(len(data)) {
			continue
		}
		if blockHash(data[at:at+int64(end-off)]) != m.blocks[off/pastBlock] {
			return true
		}
	}
	return false
}

// blockHash returns the hash of at most pastBlock bytes.
func blockHash(b []byte) uint32 {
	if len(b) == pastBlock {
		return blockHash16(b)
	}
	var whole [pastBlock]byte
	copy(whole[:], b)
	return blockHash16(whole[:]) ^ uint32(len(b))
}

// blockHash16 returns the hash of the first pastBlock bytes.
func blockHash16(b []byte) uint32 {
	const m1, m2 = 0xa0761d6478bd642f, 0xe7037ed1a0b428db
	hi, lo := bits.Mul64(pastSeed^binary.LittleEndian.Uint64(b)^m1, bits.RotateLeft64(pastSeed, 32)^binary.LittleEndian.Uint64(b[8:])^m2)
	return uint32((hi ^ lo) >> 16)
}
