package pcap

import (
	"net/netip"
	"sync"
	"unsafe"

	"github.com/mirrorsink/mirrorsink/decap/tx"
)

// A session is a mirror session. The zero session is for plain frames.
type session struct {
	outer netip.Addr
	vni   uint32
}

// A record is a frame in a block.
type record struct {
	session session
	nanos   int64
	at, n   int // where in the block's data it is
	wire    int
}

// A block holds copies of frames of one worker, in their order.
type block struct {
	data    []byte
	records []record
}

func (b *block) add(f *tx.Frame) {
	r := record{session: session{f.Outer, f.VNI}, nanos: f.Nanos, at: len(b.data), n: f.Len(), wire: max(f.WireLen, f.Len())}
	b.data = append(append(b.data, f.Head...), f.Tail...)
	b.records = append(b.records, r)
}

func (b *block) bytes(r *record) []byte { return b.data[r.at:][:r.n] }

func (b *block) reset() { b.data, b.records = b.data[:0], b.records[:0] }

// cost returns how many bytes of memory a block holds, its own struct included.
func (b *block) cost() int {
	return cap(b.data) + cap(b.records)*int(unsafe.Sizeof(record{})) + int(unsafe.Sizeof(*b))
}

const (
	maxSpare     = 8             // blocks that are kept for reuse
	maxSpareSize = 2 * blockSize // of a block that is kept; larger ones were made by a burst
)

// A queue holds blocks until they are written, in a bounded number of bytes. A block that is larger than the bound is accepted when the
// queue is empty. The queue is safe for concurrent use.
type queue struct {
	limit int
	wait  bool
	wake  chan struct{} // there may be something to take

	mu     sync.Mutex // guards the following
	room   sync.Cond  // bytes were released, or the queue was closed
	blocks []*block
	taken  []*block // what take returned last
	spares []*block
	bytes  int // of blocks, and of those being written
	closed bool
}

func newQueue(limit int, wait bool) *queue {
	q := &queue{limit: limit, wait: wait, wake: make(chan struct{}, 1)}
	q.room.L = &q.mu
	return q
}

// push queues a block, which belongs to the queue from then on. It reports false if there is no room for it.
func (q *queue) push(b *block) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	cost := b.cost()
	for q.wait && !q.closed && !q.fits(cost) {
		q.room.Wait()
	}
	if q.closed || !q.fits(cost) {
		return false
	}
	q.blocks = append(q.blocks, b)
	q.bytes += cost
	q.signal()
	return true
}

func (q *queue) fits(cost int) bool { return q.bytes == 0 || q.bytes+cost <= q.limit }

func (q *queue) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// take returns all blocks, which are valid until the next call. It reports false when no more will come.
func (q *queue) take() (blocks []*block, more bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	clear(q.taken)
	q.blocks, q.taken = q.taken[:0], q.blocks
	return q.taken, !q.closed
}

// release gives back a block that was taken.
func (q *queue) release(b *block) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.bytes -= b.cost()
	q.room.Broadcast()
	if len(q.spares) < maxSpare && cap(b.data) <= maxSpareSize {
		b.reset()
		q.spares = append(q.spares, b)
	}
}

// spare returns an empty block.
func (q *queue) spare() *block {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := len(q.spares)
	if n == 0 {
		return new(block)
	}
	b := q.spares[n-1]
	q.spares = q.spares[:n-1]
	return b
}

// close makes push refuse further blocks.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.room.Broadcast()
	q.signal()
}
