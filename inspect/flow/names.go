package flow

// Names keeps short texts outside the records, in chunks of a slab without pointers. Its memory is fixed when it is made.
type Names struct {
	chunks []chunk // chunks[0] is never handed out: 0 means none
	free   uint32
	used   uint32
}

// chunk is a piece of a text; the first byte of the first one says how long the text is.
type chunk struct {
	next uint32
	data [28]byte // with next half a cache line: most names take one chunk
}

// maxName is the most bytes of a text that are kept: a DNS name has at most 253 characters (RFC 1035 section 3.1).
const maxName = 255

// NewNames makes room for texts of so many bytes in all.
func NewNames(size int) *Names {
	n := new(Names)
	n.chunks = slab[chunk](n, max(64, size/32)+1)
	return n
}

// Put keeps a text, cut to 255 bytes, and returns its number; 0 if it is empty or there is no room.
func (n *Names) Put(text []byte) uint32 {
	if len(text) == 0 {
		return 0
	}
	text = text[:min(len(text), maxName)]
	first := n.alloc()
	if first == 0 {
		return 0
	}
	c := &n.chunks[first]
	c.data[0] = byte(len(text))
	text = text[copy(c.data[1:], text):]
	for len(text) > 0 {
		next := n.alloc()
		if next == 0 {
			n.Free(first)
			return 0
		}
		c.next = next
		c = &n.chunks[next]
		text = text[copy(c.data[:], text):]
	}
	return first
}

// Append adds the text of a number to dst.
func (n *Names) Append(dst []byte, ref uint32) []byte {
	if ref == 0 {
		return dst
	}
	c := &n.chunks[ref]
	left := int(c.data[0])
	part := c.data[1:]
	for {
		k := min(left, len(part))
		dst = append(dst, part[:k]...)
		if left -= k; left == 0 {
			return dst
		}
		c = &n.chunks[c.next]
		part = c.data[:]
	}
}

// Free gives a text back; 0 is allowed.
func (n *Names) Free(ref uint32) {
	for ref != 0 {
		next := n.chunks[ref].next
		n.chunks[ref].next = n.free
		n.free = ref
		ref = next
	}
}

func (n *Names) alloc() uint32 {
	if n.free != 0 {
		ref := n.free
		n.free = n.chunks[ref].next
		n.chunks[ref].next = 0
		return ref
	}
	if int(n.used)+1 == len(n.chunks) {
		return 0
	}
	n.used++
	return n.used
}
