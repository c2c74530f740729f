package alert

import "slices"

// slots is how finely a window is divided: a window of 5 minutes slides by the second.
const slots = 300

// window sums bytes over a sliding span of time. Times are in seconds; bytes at a time count until span seconds later.
type window struct {
	parts []part // in the order of their times
	sum   uint64
}

type part struct {
	at    int64
	bytes uint64
}

// add counts bytes and returns the sum of the window that ends then. Times before the last one count at that.
func (w *window) add(at, span int64, bytes uint64) uint64 {
	if n := len(w.parts); n > 0 {
		at = max(at, w.parts[n-1].at)
	}
	w.expire(at, span)
	w.put(at, span, bytes)
	return w.sum
}

// put counts bytes at a time, which may be before the last one.
func (w *window) put(at, span int64, bytes uint64) {
	if bytes == 0 {
		return
	}
	w.sum += bytes
	i := w.from(at)
	if i >= 0 && w.parts[i].at > at-max(span/slots, 1) {
		w.parts[i].bytes += bytes
		return
	}
	w.parts = slices.Insert(w.parts, i+1, part{at, bytes})
}

// remove counts bytes of a time no more, as far as they are still there.
func (w *window) remove(p part) {
	for i := max(w.from(p.at), 0); i < len(w.parts) && p.bytes > 0; i++ {
		n := min(p.bytes, w.parts[i].bytes)
		w.parts[i].bytes -= n
		w.sum -= n
		p.bytes -= n
	}
}

// from returns the index of the last part that begins at a time or before; -1 if there is none.
func (w *window) from(at int64) int {
	i := len(w.parts) - 1
	for i >= 0 && w.parts[i].at > at {
		i--
	}
	return i
}

// expire forgets what is span seconds old.
func (w *window) expire(now, span int64) {
	n := 0
	for n < len(w.parts) && w.parts[n].at <= now-span {
		w.sum -= w.parts[n].bytes
		n++
	}
	if n > 0 {
		w.parts = append(w.parts[:0], w.parts[n:]...)
	}
}

// size returns the bytes of memory that the window takes.
func (w *window) size() int { return 40 + cap(w.parts)*16 }
