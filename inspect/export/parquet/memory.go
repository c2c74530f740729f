package parquet

// budget is the memory that parts may use. The rest is for writing: the order of rows, a page, a dictionary.
func (w *writer[T]) budget() int { return w.cfg.Memory / 2 }

// account updates the memory of a part: its rows, and the description of the row groups in its file.
func (w *writer[T]) account(p *part) {
	held := 0
	if p.group != nil {
		held = p.group.footprint()
	}
	if p.file != nil {
		held += p.file.described()
	}
	w.used += held - p.held
	p.held = held
}

// shrink releases memory: that of an idle group, or else of the largest part. It writes the part's rows, or finishes its file if
// describing the rows would take as much memory as the rows themselves. It returns false if there is nothing to release.
func (w *writer[T]) shrink() bool {
	if n := len(w.idle); n > 0 {
		w.used -= w.idle[n-1].footprint()
		w.idle = w.idle[:n-1]
		return true
	}
	var largest *part
	for _, p := range w.parts {
		if largest == nil || p.held > largest.held || p.held == largest.held && p.age < largest.age {
			largest = p
		}
	}
	switch {
	case largest == nil:
		return false
	case largest.group == nil || largest.group.footprint() < 2*len(w.layout.columns)*groupColumnSize:
		w.complete(largest)
	default:
		w.flush(largest)
	}
	return true
}

// newGroup returns an empty group, which does not count as used memory yet.
func (w *writer[T]) newGroup() *rowGroup {
	n := len(w.idle)
	if n == 0 {
		return newRowGroup(&w.layout)
	}
	g := w.idle[n-1]
	w.idle = w.idle[:n-1]
	w.used -= g.footprint()
	return g
}

// retire keeps a group for reuse if the budget allows it.
func (w *writer[T]) retire(g *rowGroup) {
	g.reset()
	if n := g.footprint(); len(w.idle) < maxIdle && w.used+n <= w.budget() {
		w.used += n
		w.idle = append(w.idle, g)
	}
}
