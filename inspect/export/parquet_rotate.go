package export

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"time"
)

func (w *parquetWriter[T]) seconds() int64 { return int64(w.cfg.Rotate / time.Second) }

// rotate finishes all files when now, in Unix seconds, is in another rotation period than before: a later one, or an earlier
// one if somebody set the clock back.
func (w *parquetWriter[T]) rotate(now int64) {
	window := floorDiv(now, w.seconds()) * w.seconds()
	if window == w.window {
		return
	}
	for _, p := range w.oldestFirst() {
		w.complete(p)
	}
	w.window = window
}

// advance is rotate by the times of rows, which are not in order: the latest one counts.
func (w *parquetWriter[T]) advance(at int64) {
	if at >= w.window+w.seconds() || w.window == 0 {
		w.rotate(at)
	}
}

// floorDiv is n divided by m, rounded down: there are times before 1970 in captures.
func floorDiv(n, m int64) int64 {
	if n < 0 {
		return -1 - (-1-n)/m
	}
	return n / m
}

func (w *parquetWriter[T]) oldestFirst() []*part {
	return slices.SortedFunc(maps.Values(w.parts), func(a, b *part) int { return cmp.Compare(a.age, b.age) })
}

func (w *parquetWriter[T]) key(row *T) partKey {
	return partKey{w.table.where(row), floorDiv(w.table.at(row), int64(w.naming.period()/time.Second))}
}

// part returns the part of a folder, with a group to add rows to.
func (w *parquetWriter[T]) part(k partKey) *part {
	p := w.last
	if p == nil || p.key != k {
		p = w.parts[k]
	}
	if p == nil {
		if len(w.parts) >= maxParts {
			w.complete(w.oldestFirst()[0])
		}
		w.opened++
		p = &part{key: k, age: w.opened}
		w.parts[k] = p
	}
	if p.group == nil {
		p.group = w.group()
		w.hold(p)
	}
	w.last = p
	return p
}

// group returns an empty group, which is not counted any more.
func (w *parquetWriter[T]) group() *rowGroup {
	n := len(w.idle)
	if n == 0 {
		return newRowGroup(&w.layout)
	}
	g := w.idle[n-1]
	w.idle = w.idle[:n-1]
	w.used -= g.footprint()
	return g
}

// flush writes a part's rows into its file. If that fails they are lost, and the file is finished with what it has.
func (w *parquetWriter[T]) flush(p *part) {
	g := p.group
	if g == nil {
		return
	}
	size, err := w.add(p, g)
	w.report(err)
	if err != nil {
		w.lose(g.rows, g.events)
	}
	p.group = nil
	w.hold(p)
	w.retire(g)
	if p.file != nil && (err != nil || p.file.withFooter()+size > w.cfg.MaxBytes) {
		w.complete(p)
	}
}

// retire keeps a group's memory for another one, if there is plenty.
func (w *parquetWriter[T]) retire(g *rowGroup) {
	g.reset()
	if n := g.footprint(); len(w.idle) < maxIdle && w.used+n <= w.budget() {
		w.used += n
		w.idle = append(w.idle, g)
	}
}

// add writes a group into a part's file, which it makes if need be, and returns how much larger that became.
func (w *parquetWriter[T]) add(p *part, g *rowGroup) (size int64, err error) {
	if p.file == nil {
		if p.file, err = createParquet(w.cfg.Dir, &w.layout); err != nil {
			return 0, err
		}
	}
	before := p.file.size
	err = p.file.add(w.chunks, g)
	return p.file.size - before, err
}

// complete finishes a part's file, and forgets the part.
func (w *parquetWriter[T]) complete(p *part) {
	w.forget(p)
	w.flush(p)
	f := p.file
	if f == nil {
		return
	}
	p.file = nil
	w.hold(p)
	if f.rows == 0 {
		f.drop()
		return
	}
	at := time.Unix(p.key.period*int64(w.naming.period()/time.Second), 0).UTC()
	dir := w.naming.folder(p.key.locality, at)
	key := path.Join(dir, w.naming.file(p.key.locality, time.Unix(w.window, 0).UTC(), f.sum[:]))
	size, err := f.finish(w.path(dir), path.Base(key))
	w.report(err)
	if err != nil {
		f.drop()
		w.lose(f.rows, f.events)
		return
	}
	w.settled.written.add(f.events)
	w.counts.Written += uint64(f.rows)
	w.counts.Files++
	w.counts.Bytes += uint64(size)
	if w.cfg.Done != nil {
		w.cfg.Done(ParquetFile{Path: w.path(key), Key: key, Rows: f.rows, Bytes: size})
	}
}

func (w *parquetWriter[T]) forget(p *part) {
	delete(w.parts, p.key)
	if w.last == p {
		w.last = nil
	}
}

// abandon drops what a part has.
func (w *parquetWriter[T]) abandon(p *part) {
	w.forget(p)
	w.used -= p.held
	if p.group != nil {
		w.lose(p.group.rows, p.group.events)
	}
	if p.file != nil {
		w.lose(p.file.rows, p.file.events)
		p.file.drop()
	}
}

// report says that files cannot be written, that they still cannot, and that they can again.
func (w *parquetWriter[T]) report(err error) {
	if err == nil {
		if w.failed {
			w.cfg.Log.Info("parquet output works again", "output", w.cfg.Dir)
		}
		w.failed = false
		return
	}
	w.failed = true
	w.err = cmp.Or(w.err, error(fmt.Errorf("parquet output %s: %w", w.cfg.Dir, withRemedy(err))))
	if now := time.Now(); now.After(w.quiet) {
		w.quiet = now.Add(complainEvery)
		w.cfg.Log.Error("parquet output fails, records are lost", "output", w.cfg.Dir, "error", withRemedy(err))
	}
}

func (w *parquetWriter[T]) path(key string) string {
	return filepath.Join(w.cfg.Dir, filepath.FromSlash(key))
}
