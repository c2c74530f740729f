package stream

// bufferPool allocates the memory of buffers, in a few sizes, and counts it. It never refuses: the table compares Used with its bound, and
// makes room.
type bufferPool struct {
	used int
	free [numSizes][][]byte
}

// Slices come in powers of two from 2 KiB, which holds a full-sized segment, to maxBuffered.
const (
	smallest = 2 << 10
	numSizes = 4
)

// keepFree is how many slices of a size are kept for reuse.
const keepFree = 64

// Used returns the bytes that are in use.
func (p *bufferPool) Used() int { return p.used }

// Get returns an empty slice of at least n bytes' capacity; n must not exceed maxBuffered.
func (p *bufferPool) Get(n int) []byte {
	class := sizeClass(n)
	p.used += smallest << class
	if k := len(p.free[class]); k > 0 {
		b := p.free[class][k-1]
		p.free[class] = p.free[class][:k-1]
		return b
	}
	return make([]byte, 0, smallest<<class)
}

// Put takes a slice back; nil is allowed.
func (p *bufferPool) Put(b []byte) {
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
