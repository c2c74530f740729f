package flow

// Pool hands out the buffers of windows, in a few sizes, and counts what is out. It never refuses: its
// owner compares Used with the bound that it keeps, and makes room.
type Pool struct {
	used int
	free [numSizes][][]byte
}

// Buffers come in powers of two from 2 KiB, which holds a full-sized segment, to Span.
const (
	smallest = 2 << 10
	numSizes = 4
)

// keepFree is how many buffers of a size are kept for the next taker.
const keepFree = 64

// Used returns the bytes that are handed out.
func (p *Pool) Used() int { return p.used }

// Get returns an empty buffer of at least n bytes' capacity; n must not exceed Span.
func (p *Pool) Get(n int) []byte {
	class := sizeClass(n)
	p.used += smallest << class
	if k := len(p.free[class]); k > 0 {
		b := p.free[class][k-1]
		p.free[class] = p.free[class][:k-1]
		return b
	}
	return make([]byte, 0, smallest<<class)
}

// Put takes a buffer back; nil is allowed.
func (p *Pool) Put(b []byte) {
	if b == nil {
		return
	}
	class := sizeClass(cap(b))
	p.used -= smallest << class
	if len(p.free[class]) < keepFree {
		p.free[class] = append(p.free[class], b[:0])
	}
}

func sizeClass(n int) int {
	class := 0
	for smallest<<class < n {
		class++
	}
	return class
}
