package parquet

import "time"

func (w *writer[T]) seconds() int64 { return int64(w.cfg.Rotate / time.Second) }

// rotate finishes all files if now, in Unix seconds, is in another rotation period than before: a later one, or an earlier one if
// the clock was set back.
func (w *writer[T]) rotate(now int64) {
	window := floorDiv(now, w.seconds()) * w.seconds()
	if window == w.window {
		return
	}
	for _, p := range w.oldestFirst() {
		w.complete(p)
	}
	w.window = window
}

// advance rotates by the time of a row. Rows are not in order: an earlier one does not rotate back.
func (w *writer[T]) advance(at int64) {
	if at >= w.window+w.seconds() || w.window == 0 {
		w.rotate(at)
	}
}

// floorDiv returns n divided by m, rounded down: captures may have times before 1970.
func floorDiv(n, m int64) int64 {
	if n < 0 {
		return -1 - (-1-n)/m
	}
	return n / m
}
