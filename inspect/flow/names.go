package flow

// Names keeps short texts outside the records, in chunks of a slab without pointers. Its memory is fixed when it is made. Other texts,
// each of a kind, may be attached to a text, so that a record needs one number for all of its texts.
type Names struct {
	chunks  []chunk // chunks[0] is never handed out: 0 means none
	free    uint32
	used    uint32
	scratch []byte
}

// chunk is a piece of a text; the first byte of the first chunk is the length of the text.
type chunk struct {
	next uint32
	data [28]byte // with next half a cache line: most names take one chunk
}

// maxName is the most bytes of a text that are kept: a DNS name has at most 253 characters (RFC 1035 section 3.1).
const maxName = 255

// NewNames returns Names for texts of a number of bytes in all.
func NewNames(size int) *Names {
	n := new(Names)
	n.chunks = slab[chunk](n, max(64, size/32)+1)
	return n
}

// Put keeps a text, truncated to 255 bytes, and returns its number; 0 if it is empty or there is no room.
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

// Rename puts a text in the place of that of a number and leaves the number's attached texts to it. It returns the new number;
// 0 if the text is empty or there is no room, and then the old number is as it was.
func (n *Names) Rename(ref uint32, text []byte) uint32 {
	renamed := n.Put(text)
	if renamed == 0 || ref == 0 {
		return renamed
	}
	last := &n.chunks[n.last(ref)].next
	n.chunks[n.last(renamed)].next = *last
	*last = 0
	n.Free(ref)
	return renamed
}

// Attach adds a text of a kind to that of a number, in the place of one of the same kind. It returns the number to use from now
// on: another one if it was 0, which is for a text that is empty. ok is false if there is no room.
func (n *Names) Attach(ref uint32, kind byte, text []byte) (_ uint32, ok bool) {
	n.Detach(ref, kind)
	n.scratch = append(append(n.scratch[:0], kind), text...)
	added := n.Put(n.scratch)
	if added == 0 {
		return ref, false
	}
	if ref == 0 {
		if ref = n.alloc(); ref == 0 {
			n.Free(added)
			return 0, false
		}
		n.chunks[ref].data[0] = 0
	}
	last := &n.chunks[n.last(ref)].next
	n.chunks[n.last(added)].next = *last
	*last = added
	return ref, true
}

// Attached adds the text of a kind that is attached to a number to dst; none if there is none.
func (n *Names) Attached(dst []byte, ref uint32, kind byte) []byte {
	_, at := n.find(ref, kind)
	if at == 0 {
		return dst
	}
	start := len(dst)
	dst = n.Append(dst, at)
	return append(dst[:start], dst[start+1:]...)
}

// Detach frees the text of a kind that is attached to a number.
func (n *Names) Detach(ref uint32, kind byte) {
	before, at := n.find(ref, kind)
	if at == 0 {
		return
	}
	last := &n.chunks[n.last(at)].next
	n.chunks[before].next = *last
	*last = 0
	n.Free(at)
}

// find returns the attached text of a kind and the chunk before it, or 0.
func (n *Names) find(ref uint32, kind byte) (before, at uint32) {
	for ref != 0 {
		before = n.last(ref)
		ref = n.chunks[before].next
		if ref != 0 && n.chunks[ref].data[1] == kind {
			return before, ref
		}
	}
	return 0, 0
}

// last returns the last chunk of a text.
func (n *Names) last(ref uint32) uint32 {
	c := &n.chunks[ref]
	for left := int(c.data[0]) - (len(c.data) - 1); left > 0; left -= len(c.data) {
		ref = n.chunks[ref].next
	}
	return ref
}

// Free frees a text and those attached to it; 0 is allowed.
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
