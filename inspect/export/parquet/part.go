package parquet

import (
	"cmp"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"time"
)

// partKey identifies a folder: the account and region of its rows, and their period, counted from 1970.
type partKey struct {
	locality
	period int64
}

// part is the unfinished file of one folder, with the rows that wait for it.
type part struct {
	key   partKey
	age   uint64    // number of parts that were opened before
	file  *file     // nil while all rows are in the group
	group *rowGroup // nil while it is empty
	held  int       // bytes of memory, as accounted last
}

func (w *writer[T]) oldestFirst() []*part {
	return slices.SortedFunc(maps.Values(w.parts), func(a, b *part) int { return cmp.Compare(a.age, b.age) })
}

func (w *writer[T]) key(row *T) partKey {
	return partKey{w.table.where(row), floorDiv(w.table.at(row), int64(w.naming.period()/time.Second))}
}

// part returns the part of a folder, with a group to add rows to.
func (w *writer[T]) part(k partKey) *part {
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
		p.group = w.newGroup()
		w.account(p)
	}
	w.last = p
	return p
}

// flush writes a part's rows into its file. If that fails they are lost, and the file is finished without them.
func (w *writer[T]) flush(p *part) {
	g := p.group
	if g == nil {
		return
	}
	size, err := w.add(p, g)
	w.report(err)
	if err != nil {
		w.outcome.lost.add(g.events)
	}
	p.group = nil
	w.account(p)
	w.retire(g)
	if p.file != nil && (err != nil || p.file.withFooter()+size > w.cfg.MaxBytes) {
		w.complete(p)
	}
}

// add writes a group into a part's file, which it creates if necessary, and returns by how much the file grew.
func (w *writer[T]) add(p *part, g *rowGroup) (size int64, err error) {
	if p.file == nil {
		if p.file, err = createFile(w.cfg.Dir, &w.layout); err != nil {
			return 0, err
		}
	}
	before := p.file.size
	err = p.file.add(w.chunks, g)
	return p.file.size - before, err
}

// complete finishes a part's file and removes the part.
func (w *writer[T]) complete(p *part) {
	w.remove(p)
	w.flush(p)
	f := p.file
	if f == nil {
		return
	}
	p.file = nil
	w.account(p)
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
		w.outcome.lost.add(f.events)
		return
	}
	w.outcome.written.add(f.events)
	if w.cfg.Done != nil {
		w.cfg.Done(File{Path: w.path(key), Key: key, Rows: f.rows, Bytes: size})
	}
}

func (w *writer[T]) remove(p *part) {
	delete(w.parts, p.key)
	if w.last == p {
		w.last = nil
	}
}

// drop removes a part with all of its rows.
func (w *writer[T]) drop(p *part) {
	w.remove(p)
	w.used -= p.held
	if p.group != nil {
		w.outcome.lost.add(p.group.events)
	}
	if p.file != nil {
		w.outcome.lost.add(p.file.events)
		p.file.drop()
	}
}

func (w *writer[T]) path(key string) string {
	return filepath.Join(w.cfg.Dir, filepath.FromSlash(key))
}
