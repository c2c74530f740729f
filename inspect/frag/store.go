package frag

import (
	"bytes"

	"github.com/mirrorsink/mirrorsink/decap"
)

// chunkSize holds one fragment of a network with an MTU of 1500, the commonest there is.
const chunkSize = 1536

// maxPieces bounds the chunks of one packet: the largest packet over the smallest MTU that is found in practice (576)
// has 119 fragments.
const maxPieces = 128

// A store is an arena of chunks, each of which holds the bytes of one piece of a packet.
type store struct {
	data   []byte
	chunks []chunk
	free   int32 // first chunk that is not in use, linked by next
	left   int   // how many are not in use
}

// chunk says where in its packet's payload the bytes belong.
type chunk struct {
	offset, size uint16
	next         int32 // the piece after it in the packet, by offset
}

// pieces are a packet's bytes so far: chunks by offset, without overlaps.
type pieces struct {
	head  int32
	count int
	bytes int
	total int // the payload's length, once the last fragment told it; else 0
	end   int // where the fragments so far reach
}

var noPieces = pieces{head: none}

func newStore(n int) store {
	st := store{data: make([]byte, n*chunkSize), chunks: make([]chunk, n), left: n}
	for i := range st.chunks {
		st.chunks[i].next = int32(i) + 1
	}
	st.chunks[n-1].next = none
	return st
}

// chunksFor returns how many chunks hold n bytes.
func chunksFor(n int) int { return (n + chunkSize - 1) / chunkSize }

func (ps *pieces) complete() bool { return ps.total != 0 && ps.bytes == ps.total }

// add puts a fragment's bytes where nothing is yet. It fails, with the reason, if the fragment spoils its packet.
func (st *store) add(ps *pieces, p *decap.Packet) (Reason, bool) {
	start := int(p.FragOff)
	end := start + p.PayloadLen
	ps.end = max(ps.end, end)
	if !p.MoreFrags {
		if ps.total != 0 && ps.total != end {
			return Overlap, false
		}
		ps.total = end
	}
	if ps.total != 0 && ps.end > ps.total {
		return Overlap, false
	}
	if p.Version == 6 && !st.fits(ps, start, p.Payload) {
		return Overlap, false
	}
	if !st.fill(ps, start, p.Payload) {
		return TooMany, false
	}
	return 0, true
}

// fits reports whether b is all new, or nothing but bytes that are there already: a duplicate, which is harmless.
func (st *store) fits(ps *pieces, start int, b []byte) bool {
	same := 0
	for i := ps.head; i != none; i = st.chunks[i].next {
		old, from := st.bytes(i), int(st.chunks[i].offset)
		lo, hi := max(start, from), min(start+len(b), from+len(old))
		if lo >= hi {
			continue
		}
		if !bytes.Equal(old[lo-from:hi-from], b[lo-start:hi-start]) {
			return false
		}
		same += hi - lo
	}
	return same == 0 || same == len(b)
}

// fill copies those bytes of b that lie between the pieces; what came first stays. It reports false if the packet got
// too many pieces.
func (st *store) fill(ps *pieces, start int, b []byte) bool {
	link := &ps.head
	for len(b) > 0 {
		gap := len(b)
		if *link != none {
			c := &st.chunks[*link]
			gap = min(gap, int(c.offset)-start)
			if gap <= 0 { // b starts within this piece, or behind it
				skip := min(len(b), max(0, int(c.offset)+int(c.size)-start))
				start, b = start+skip, b[skip:]
				link = &c.next
				continue
			}
		}
		n := min(gap, chunkSize)
		if ps.count == maxPieces || st.left == 0 {
			return false
		}
		i := st.take()
		copy(st.data[int(i)*chunkSize:], b[:n])
		st.chunks[i] = chunk{offset: uint16(start), size: uint16(n), next: *link}
		*link = i
		ps.count++
		ps.bytes += n
	}
	return true
}

// bytes returns what a chunk holds.
func (st *store) bytes(i int32) []byte {
	start := int(i) * chunkSize
	return st.data[start : start+int(st.chunks[i].size)]
}

// take removes a chunk from the free list, which is not empty.
func (st *store) take() int32 {
	i := st.free
	st.free = st.chunks[i].next
	st.left--
	return i
}

// copy appends the pieces to b, in order.
func (st *store) copy(b []byte, ps *pieces) []byte {
	for i := ps.head; i != none; i = st.chunks[i].next {
		b = append(b, st.bytes(i)...)
	}
	return b
}

// release gives a packet's chunks back.
func (st *store) release(ps *pieces) {
	for i := ps.head; i != none; {
		next := st.chunks[i].next
		st.chunks[i].next, st.free = st.free, i
		st.left++
		i = next
	}
	*ps = noPieces
}
