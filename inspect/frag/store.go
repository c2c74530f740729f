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

// chunk is the place of a chunk's bytes in the payload of its packet. Of a fragment whose copy was cut only the first bytes are held.
type chunk struct {
	offset, size, held uint16
	next               int32 // the next chunk of the packet, by offset
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

// relation is how a fragment relates to those of its packet that came before.
type relation uint8

const (
	fresh       relation = iota
	repeated             // it came before
	overlapping          // parts of it came before
	conflicting          // they cannot both be true
)

// relate compares a fragment with those that came before.
func (st *store) relate(ps *payload, p *decap.Packet) relation {
	start, end := int(p.FragOff), int(p.FragOff)+p.PayloadLen
	if ps.total != 0 && (end > ps.total || !p.MoreFrags && end != ps.total) || !p.MoreFrags && end < ps.end {
		return conflicting
	}
	covered := 0
	for i := ps.head; i != none; i = st.chunks[i].next {
		old, from := st.bytes(i), int(st.chunks[i].offset)
		lo, hi := max(start, from), min(end, from+int(st.chunks[i].size))
		if lo >= hi {
			continue
		}
		covered += hi - lo
		hi = min(hi, from+len(old), start+len(p.Payload))
		if lo < hi && !bytes.Equal(old[lo-from:hi-from], p.Payload[lo-start:hi-start]) {
			return conflicting
		}
	}
	switch {
	case covered == 0:
		return fresh
	case covered == p.PayloadLen && (p.MoreFrags || ps.total == end):
		return repeated
	default:
		return overlapping
	}
}

// add copies those bytes of a fragment that are missing. It fails if the packet has too many chunks.
func (st *store) add(ps *payload, p *decap.Packet) bool {
	start, end := int(p.FragOff), int(p.FragOff)+p.PayloadLen
	ps.end = max(ps.end, end)
	if !p.MoreFrags {
		ps.total = end
	}
	return st.fill(ps, start, end, p.Payload)
}

// fill copies those bytes from start to end that are missing: the first copy of a byte stays. b has the first of them, all unless the
// copy was cut. It returns false if the packet has too many chunks.
func (st *store) fill(ps *payload, start, end int, b []byte) bool {
	link, last := &ps.head, int32(none)
	for start < end {
		gap := end - start
		if *link != none {
			c := &st.chunks[*link]
			gap = min(gap, int(c.offset)-start)
			if gap <= 0 { // the bytes start within this chunk, or behind it
				skip := min(end-start, max(0, int(c.offset)+int(c.size)-start))
				start, b = start+skip, b[min(skip, len(b)):]
				last, link = *link, &c.next
				continue
			}
		}
		if !st.extends(last, start) {
			if ps.count == maxChunks || st.left == 0 {
				return false
			}
			last = st.take()
			st.chunks[last] = chunk{offset: uint16(start), next: *link}
			*link = last
			link = &st.chunks[last].next
			ps.count++
		}
		n := st.append(last, b, gap)
		start, b = start+n, b[min(n, len(b)):]
		ps.bytes += n
	}
	return true
}

// extends reports whether bytes from start on can join a chunk: small fragments take no chunk each.
func (st *store) extends(i int32, start int) bool {
	if i == none {
		return false
	}
	c := &st.chunks[i]
	return int(c.offset)+int(c.size) == start && c.held == c.size && c.size < chunkSize
}

// append appends bytes to a chunk, of which b has the first ones, and returns how many found room.
func (st *store) append(i int32, b []byte, n int) int {
	c := &st.chunks[i]
	n = min(n, chunkSize-int(c.size))
	held := copy(st.data[int(i)*chunkSize+int(c.held):], b[:min(n, len(b))])
	c.size += uint16(n)
	c.held += uint16(held)
	return n
}

// bytes returns the bytes of a chunk.
func (st *store) bytes(i int32) []byte {
	start := int(i) * chunkSize
	return st.data[start : start+int(st.chunks[i].held)]
}

// take removes a chunk from the free list, which must not be empty.
func (st *store) take() int32 {
	i := st.free
	st.free = st.chunks[i].next
	st.left--
	return i
}

// beginning appends a packet's bytes to b, in order, up to the first one that is missing. b must be empty.
func (st *store) beginning(b []byte, ps *payload) []byte {
	for i := ps.head; i != none && int(st.chunks[i].offset) == len(b); i = st.chunks[i].next {
		b = append(b, st.bytes(i)...)
		if st.chunks[i].held < st.chunks[i].size {
			break
		}
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
