package inspect

import "sync"

// barrier finds when windows are closed: when all workers have passed them. Each worker reports its watermark, the first window of
// which it has not emitted everything. It is safe for concurrent use.
type barrier struct {
	mu         sync.Mutex        // guards the following
	watermarks map[uint32]uint32 // by worker; 0 before its first packet
	last       uint32            // the last number that was given to a worker
	first      uint32            // the first window of all
	open       uint32            // the first window that is not closed; 0 before there is one
	end        uint32            // the end of the last window that any worker has passed
	lost       uint64            // copies lost until the last window was closed
}

// join adds a worker, and returns its number.
func (b *barrier) join() uint32 {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.watermarks == nil {
		b.watermarks = map[uint32]uint32{}
	}
	b.last++
	b.watermarks[b.last] = 0
	return b.last
}

// advance sets the watermark of a worker, and returns the windows that are closed by that.
func (b *barrier) advance(worker, watermark uint32) (from, to uint32) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if first := b.watermarks[worker] == 0; first && (b.open == 0 || watermark < b.open) {
		b.open, b.first = watermark, watermark // it has no counts from before its first window
	}
	b.watermarks[worker], b.end = watermark, max(b.end, watermark)
	return b.closeWindows()
}

// leave removes a worker. With the last worker all windows are closed, and they begin anew.
func (b *barrier) leave(worker uint32) (from, to uint32) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.watermarks, worker)
	if len(b.watermarks) > 0 {
		return b.closeWindows()
	}
	from, to = b.open, b.end
	b.open, b.end = 0, 0
	return from, to
}

// firstWindow returns the first window of all.
func (b *barrier) firstWindow() uint32 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.first
}

// closeWindows closes the windows that all workers have passed.
func (b *barrier) closeWindows() (from, to uint32) {
	from, to = b.open, ^uint32(0)
	for _, watermark := range b.watermarks {
		to = min(to, watermark)
	}
	to = max(from, to)
	b.open = to
	return from, to
}

// takeLost returns how many copies were lost since the last call. total is the number since the start.
func (b *barrier) takeLost(total uint64) uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	lost := total - min(total, b.lost)
	b.lost = max(b.lost, total)
	return lost
}
