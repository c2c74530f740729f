package flow

// Window gathers one direction's bytes of a TCP connection from a sequence number on, segments in any order, the first
// copy of a byte wins. It is where a parser looks at a stream: Bytes is the contiguous front. Memory comes from a Pool
// and only when a segment has to wait; a segment that begins where the window does is looked at where it lies.
type Window struct {
	base   uint32 // sequence number of the first byte
	opened bool   // base means something
	loose  bool   // base is a guess: the connection was picked up in the middle, and nothing was consumed yet
	fresh  []byte // the segment added last, if it is contiguous and nothing is buffered: aliases the packet
	buf    []byte // from base on, with holes
	pieces []piece
}

// piece is a run of bytes in buf that came in one segment.
type piece struct {
	off, end int32
	head     bool // it begins where its segment began
}

// maxPieces bounds the work for each segment: the window holds eleven full-sized ones.
const maxPieces = 64

// Span is the largest distance from a window's base at which bytes are kept.
const Span = 16 << 10

// Open sets where the window starts, if that is not known.
func (w *Window) Open(seq uint32, exact bool) {
	if !w.opened {
		w.base, w.opened, w.loose = seq, true, !exact
	}
}

// Opened reports whether the window's start is known.
func (w *Window) Opened() bool { return w.opened }

// Base returns the sequence number of the window's first byte.
func (w *Window) Base() uint32 { return w.base }

// End returns the sequence number behind the contiguous front.
func (w *Window) End() uint32 { return w.base + uint32(len(w.Bytes())) }

// Busy reports whether any bytes are in the window.
func (w *Window) Busy() bool { return len(w.fresh) > 0 || len(w.pieces) > 0 }

// Waiting reports whether bytes are held behind a hole.
func (w *Window) Waiting() bool { return len(w.pieces) > 0 && w.pieces[0].off > 0 }

// Held returns the sequence number at which the first bytes behind the hole begin.
func (w *Window) Held() uint32 { return w.base + uint32(w.pieces[0].off) }

// Fit is what became of a segment that was added.
type Fit uint8

// What becomes of a segment.
const (
	Old   Fit = iota // nothing new in it
	Front            // it lengthened the contiguous front: look at Bytes
	Ahead            // it waits behind a hole
	Far              // it lies beyond the window, or is one piece too many: what is missing before it will not come
)

// Add adds a segment. The window may alias payload until the next Keep, which must follow before the payload's memory is
// used again.
func (w *Window) Add(seq uint32, payload []byte, pool *Pool) Fit {
	off := int64(int32(seq - w.base)) // 64 bits, since -off of -2^31 has no place in 32
	if off < 0 && w.loose && -off <= Span/2 {
		off += int64(w.rebase(int32(-off), pool))
	}
	if off < 0 {
		if -off >= int64(len(payload)) {
			return Old
		}
		payload = payload[-off:]
		off = 0
	}
	switch {
	case off == 0 && len(w.pieces) == 0:
		w.fresh = payload
		return Front
	case off+int64(len(payload)) > Span && off > 0:
		return Far
	}
	return w.insert(int32(off), payload[:min(len(payload), Span-int(off))], pool)
}

// rebase moves the base back by n bytes, at most Span, for a segment from before the one that was seen first, and returns n. If what is
// held does not allow that, it does nothing and returns 0: the segment will be cut off as old.
func (w *Window) rebase(n int32, pool *Pool) int32 {
	if held := len(w.buf); held > 0 {
		if held+int(n) > Span {
			return 0
		}
		w.grow(held+int(n), pool)
		copy(w.buf[n:], w.buf[:held])
		for i := range w.pieces {
			w.pieces[i].off += n
			w.pieces[i].end += n
		}
	}
	w.base -= uint32(n)
	return n
}

// insert copies those bytes of [off, off+len(data)) that are not there yet.
func (w *Window) insert(off int32, data []byte, pool *Pool) Fit {
	end := off + int32(len(data))
	w.grow(int(end), pool)
	front := w.front()
	start := off
	for i := 0; start < end; i++ {
		stop := end
		if i < len(w.pieces) {
			if w.pieces[i].end <= start {
				continue
			}
			stop = min(end, w.pieces[i].off)
		}
		if stop > start {
			if len(w.pieces) == maxPieces {
				return Far
			}
			copy(w.buf[start:stop], data[start-off:stop-off])
			w.pieces = append(w.pieces, piece{})
			copy(w.pieces[i+1:], w.pieces[i:])
			w.pieces[i] = piece{start, stop, start == off}
			i++
		}
		if i == len(w.pieces) {
			break
		}
		start = max(start, w.pieces[i].end)
	}
	switch {
	case w.front() > front:
		return Front
	case front >= end:
		return Old
	}
	return Ahead
}

// grow makes the buffer at least size bytes long.
func (w *Window) grow(size int, pool *Pool) {
	if size > cap(w.buf) {
		buf := pool.Get(size)[:len(w.buf)]
		copy(buf, w.buf)
		pool.Put(w.buf)
		w.buf = buf
	}
	w.buf = w.buf[:max(size, len(w.buf))]
}

// front returns the length of the contiguous front of the buffer.
func (w *Window) front() int32 {
	var n int32
	for _, p := range w.pieces {
		if p.off > n {
			break
		}
		n = max(n, p.end)
	}
	return n
}

// Bytes returns the contiguous front, at most Span bytes. It aliases the packet or the window.
func (w *Window) Bytes() []byte {
	if w.fresh != nil {
		n := min(len(w.fresh), Span)
		return w.fresh[:n:n]
	}
	n := w.front()
	return w.buf[:n:n]
}

// Keep makes the window independent of the packet's memory.
func (w *Window) Keep(pool *Pool) {
	data := w.fresh
	w.fresh = nil
	if len(data) > 0 {
		w.insert(0, data[:min(len(data), Span)], pool)
	}
}

// Consume moves the base on by n bytes, which may be more than are there.
func (w *Window) Consume(n int, pool *Pool) {
	w.base += uint32(n)
	w.loose = false
	if w.fresh != nil {
		w.fresh = w.fresh[min(n, len(w.fresh)):]
		if len(w.fresh) == 0 {
			w.fresh = nil
		}
		return
	}
	keep := w.pieces[:0]
	for _, p := range w.pieces {
		if int(p.end) > n {
			keep = append(keep, piece{max(p.off-int32(n), 0), p.end - int32(n), p.head && int(p.off) >= n})
		}
	}
	w.pieces = keep
	if len(keep) == 0 {
		w.drop(pool)
		return
	}
	w.buf = w.buf[:copy(w.buf, w.buf[n:])]
}

// Seek gives up what is missing: it moves the base to the first segment held for which begins is true, or empties the
// window and closes it, and reports which. The next segment may then open it anew.
func (w *Window) Seek(begins func([]byte) bool, pool *Pool) bool {
	for _, p := range w.pieces {
		if p.head && begins(w.buf[p.off:p.end]) {
			w.Consume(int(p.off), pool)
			return true
		}
	}
	w.Close(pool)
	return false
}

// Close empties the window and forgets where it starts.
func (w *Window) Close(pool *Pool) {
	w.drop(pool)
	w.opened, w.loose, w.fresh = false, false, nil
	w.pieces = w.pieces[:0]
}

func (w *Window) drop(pool *Pool) {
	pool.Put(w.buf)
	w.buf = nil
}
