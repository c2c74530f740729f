package alert

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
	grain := max(span/slots, 1)
	if n := len(w.parts); n > 0 && w.parts[n-1].at > at-grain {
		w.parts[n-1].bytes += bytes
	} else {
		w.parts = append(w.parts, part{at, bytes})
	}
	w.sum += bytes
	return w.sum
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
