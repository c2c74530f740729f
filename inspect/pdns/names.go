package pdns

import (
	"bytes"
	"hash/maphash"
	"reflect"
)

// names interns names: each is stored once, however many addresses have it, in slabs without pointers.
type names struct {
	all    []name   // all[0] is none
	chunks []chunk  // chunks[0] is none
	index  []uint32 // heads of chains
	seed   maphash.Seed

	freeName, usedName   uint32
	freeChunk, usedChunk uint32
	room                 int // chunks that are not in use
}

// name is an interned text.
type name struct {
	hash  uint32
	chain uint32 // the next name in the same bucket; of a free name, the next free one
	first uint32 // its first chunk
	refs  uint32
	size  uint32 // bytes
}

// chunk is a part of a text.
type chunk struct {
	next uint32
	data [chunkText]byte
}

const (
	maxName   = 255 // a DNS name has at most 253 characters as text (RFC 1035 section 3.1)
	chunkText = 28  // with the link half a cache line: most names take one chunk
)

// chunksPerTwo is the number of chunks per two names: most names take one, those of content networks two or three.
const chunksPerTwo = 3

// nameBytes is the memory per name, with its share of the index, rounded up.
var nameBytes = int(reflect.TypeFor[name]().Size()) + 8 + int(reflect.TypeFor[chunk]().Size())*chunksPerTwo/2

// newNames makes room for n names of the usual length.
func newNames(n int) names {
	chunks := n * chunksPerTwo / 2
	return names{
		all:    make([]name, n+2), // an entry that changes its name holds the old one until it has the new one
		chunks: make([]chunk, chunks+1),
		index:  make([]uint32, indexSize(n)),
		seed:   maphash.MakeSeed(),
		room:   chunks,
	}
}

// find returns the reference of a text with its hash, or 0. The caller does not own the reference.
func (n *names) find(text []byte, hash uint32) uint32 {
	for i := *n.bucket(hash); i != 0; i = n.all[i].chain {
		if n.all[i].hash == hash && n.equal(&n.all[i], text) {
			return i
		}
	}
	return 0
}

func (n *names) hash(text []byte) uint32 { return uint32(maphash.Bytes(n.seed, text)) }

func (n *names) bucket(hash uint32) *uint32 { return &n.index[hash&uint32(len(n.index)-1)] }

// equal compares a name with a text, chunk by chunk.
func (n *names) equal(nm *name, text []byte) bool {
	if int(nm.size) != len(text) {
		return false
	}
	for c := nm.first; len(text) > 0; c = n.chunks[c].next {
		k := min(len(text), chunkText)
		if !bytes.Equal(n.chunks[c].data[:k], text[:k]) {
			return false
		}
		text = text[k:]
	}
	return true
}

// fits reports whether there is room for a text.
func (n *names) fits(text []byte) bool {
	return (len(text)+chunkText-1)/chunkText <= n.room
}

// insert adds a text that fits and is new, and returns its reference, which has no owner yet.
func (n *names) insert(text []byte, hash uint32) uint32 {
	ref := n.freeName
	if ref != 0 {
		n.freeName = n.all[ref].chain
	} else {
		n.usedName++
		ref = n.usedName
	}
	head := n.bucket(hash)
	n.all[ref] = name{hash: hash, chain: *head, first: n.store(text), size: uint32(len(text))}
	*head = ref
	return ref
}

// hold makes the caller an owner of a reference.
func (n *names) hold(ref uint32) { n.all[ref].refs++ }

// store copies a text into chunks, of which there must be enough, and returns the first one.
func (n *names) store(text []byte) (first uint32) {
	link := &first
	for len(text) > 0 {
		c := n.freeChunk
		if c != 0 {
			n.freeChunk = n.chunks[c].next
		} else {
			n.usedChunk++
			c = n.usedChunk
		}
		*link = c
		n.room--
		n.chunks[c].next = 0
		text = text[copy(n.chunks[c].data[:], text):]
		link = &n.chunks[c].next
	}
	return first
}

// append adds a name's text to dst.
func (n *names) append(dst []byte, ref uint32) []byte {
	left := int(n.all[ref].size)
	for c := n.all[ref].first; left > 0; c = n.chunks[c].next {
		k := min(left, chunkText)
		dst = append(dst, n.chunks[c].data[:k]...)
		left -= k
	}
	return dst
}

// release ends an ownership; 0 is allowed. A name without owner is removed.
func (n *names) release(ref uint32) {
	if ref == 0 {
		return
	}
	nm := &n.all[ref]
	if nm.refs--; nm.refs > 0 {
		return
	}
	link := n.bucket(nm.hash)
	for *link != ref {
		link = &n.all[*link].chain
	}
	*link = nm.chain
	for c := nm.first; c != 0; {
		next := n.chunks[c].next
		n.chunks[c].next = n.freeChunk
		n.freeChunk = c
		n.room++
		c = next
	}
	nm.chain, n.freeName = n.freeName, ref
}
