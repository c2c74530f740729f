package frag

import (
	"bytes"

	"github.com/mirrorsink/mirrorsink/decap"
)

// chunkSize is enough for one fragment of a network with the usual MTU of 1500.
const chunkSize = 1536

// maxChunks bounds the chunks of one packet: the largest packet over the smallest MTU in practice (576) has 119 fragments.
const maxChunks = 128

// A store is an arena of chunks. Each chunk holds a range of one packet's bytes.
type store struct {
	data   []byte
	chunks []chunk
	free   int32 // first chunk that is not in use, linked by next
	left   int   // chunks that are not in use
}

// chunk is the place of a chunk's bytes in the payload of its packet.
type chunk struct {
	offset, size uint16
	next         int32 // the next chunk of the packet, by offset
}

// payload is the bytes of a packet so far: chunks by offset, without overlaps.
type payload struct {
	head  int32
	count int
	bytes int
	total int // the payload's length, once the last fragment came; else 0
	end   int // the end of the fragment that reaches furthest
}

var emptyPayload = payload{head: none}

func newStore(n int) store {
	st := store{data: make([]byte, n*chunkSize), chunks: make([]chunk, n), left: n}
	for i := range st.chunks {
		st.chunks[i].next = int32(i) + 1
	}
	st.chunks[n-1].next = none
	return st
}

// chunksFor returns the number of chunks that n bytes need.
func chunksFor(n int) int { return (n + chunkSize - 1) / chunkSize }

func (ps *payload) complete() bool { return ps.total != 0 && ps.bytes == ps.total }

// add copies those bytes of a fragment that are missing. It fails, with the reason, if the packet cannot be reassembled any
// more.
func (st *store) add(ps *payload, p *decap.Packet) (Reason, bool) {
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

// fits reports whether all of b is new, or b is an exact duplicate, which is harmless.
func (st *store) fits(ps *payload, start int, b []byte) bool {
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

// fill copies those bytes of b that are missing: the first copy of a byte stays. It returns false if the packet has too many
// chunks.
func (st *store) fill(ps *payload, start int, b []byte) bool {
	link := &ps.head
	for len(b) > 0 {
		gap := len(b)
		if *link != none {
			c := &st.chunks[*link]
			gap = min(gap, int(c.offset)-start)
			if gap <= 0 { // b starts within this chunk, or behind it
				skip := min(len(b), max(0, int(c.offset)+int(c.size)-start))
				start, b = start+skip, b[skip:]
				link = &c.next
				continue
			}
		}
		n := min(gap, chunkSize)
		if ps.count == maxChunks || st.left == 0 {
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

// bytes returns the bytes of a chunk.
func (st *store) bytes(i int32) []byte {
	start := int(i) * chunkSize
	return st.data[start : start+int(st.chunks[i].size)]
}

// take removes a chunk from the free list, which must not be empty.
func (st *store) take() int32 {
	i := st.free
	st.free = st.chunks[i].next
	st.left--
	return i
}

// copy appends a packet's bytes to b, in order.
func (st *store) copy(b []byte, ps *payload) []byte {
	for i := ps.head; i != none; i = st.chunks[i].next {
		b = append(b, st.bytes(i)...)
	}
	return b
}

// release frees a packet's chunks.
func (st *store) release(ps *payload) {
	for i := ps.head; i != none; {
		next := st.chunks[i].next
		st.chunks[i].next, st.free = st.free, i
		st.left++
		i = next
	}
	*ps = emptyPayload
}
