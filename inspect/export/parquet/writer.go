package parquet

import (
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/mirrorsink/mirrorsink/inspect/export"
	"github.com/mirrorsink/mirrorsink/inspect/export/disk"
)

const (
	// maxGroupRows bounds a row group, the unit of work of a reader's thread.
	maxGroupRows = 64 << 10
	// stride is how many rows are added at a time, column by column, so that they stay in the cache.
	stride = 64
	// maxParts bounds the number of files in progress: one for each account, region and hour. Real traffic does not reach it.
	maxParts = 1024
	// maxIdle is how many empty row groups are kept for reuse.
	maxIdle = 2
)

// writer writes rows of type T into files, one at a time for each folder.
type writer[T any] struct {
	cfg    Config
	table  *table[T]
	layout layout
	naming naming
	folder *folder
	quit   chan struct{} // closed by close
	once   sync.Once     // of close

	mu       sync.Mutex // guards the following
	parts    map[partKey]*part
	last     *part // of the last row: the next row often has the same
	opened   uint64
	idle     []*rowGroup
	used     int // bytes of all parts and idle groups
	chunks   *chunkWriter
	window   int64   // the beginning of the current rotation period, Unix seconds
	outcome  outcome // since the last drain
	err      error   // the first one
	failures export.FailureLog
	closed   bool
}

func newWriter[T any](cfg Config, t *table[T], n naming) (*writer[T], error) {
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	n.log = cfg.ID
	if n.log == "" {
		n.log = DefaultID
	}
	if err := cfg.check(); err != nil {
		return nil, fmt.Errorf("parquet output %s: %w", cfg.Dir, err)
	}
	d, leftovers, err := openFolder(cfg.Dir)
	if err != nil {
		return nil, fmt.Errorf("parquet output %s: %w", cfg.Dir, disk.Explain(err))
	}
	if leftovers > 0 {
		cfg.Log.Warn("removed files that were not finished when the program last ended; their records are lost",
			"output", cfg.Dir, "files", leftovers)
	}
	chunks, err := newChunkWriter()
	if err != nil {
		return nil, err
	}
	w := &writer[T]{
		cfg: cfg, table: t, layout: t.layout(), naming: n, folder: d,
		quit: make(chan struct{}), parts: map[partKey]*part{}, chunks: chunks,
		failures: export.FailureLog{
			Log: cfg.Log, Output: cfg.Dir, Failed: "parquet output fails, records are lost", Recovered: "parquet output works again",
		},
	}
	if cfg.Live {
		go w.watch()
	}
	return w, nil
}

// watch rotates by the clock while no rows come.
func (w *writer[T]) watch() {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			w.mu.Lock()
			if !w.closed {
				w.rotate(time.Now().Unix())
			}
			w.mu.Unlock()
		case <-w.quit:
			return
		}
	}
}

// write takes rows, which it does not keep; it may keep their strings. last has a mark for each row: see lastOf. Files do not depend
// on how the rows are divided among calls.
func (w *writer[T]) write(rows []T, last []uint8) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		w.outcome.lost.add(marked(last))
		return
	}
	if w.cfg.Live {
		w.rotate(time.Now().Unix())
	}
	for len(rows) > 0 {
		if !w.cfg.Live {
			w.advance(w.table.at(&rows[0]))
		}
		p := w.part(w.key(&rows[0]))
		n := w.run(p, rows)
		p.group.events.add(marked(last[:n]))
		w.push(p, rows[:n])
		rows, last = rows[n:], last[n:]
	}
}

// run returns how many of the rows at the beginning go to the same part.
func (w *writer[T]) run(p *part, rows []T) int {
	most := min(len(rows), stride-p.group.rows%stride)
	for n := 1; n < most; n++ {
		if w.key(&rows[n]) != p.key || !w.cfg.Live && w.table.at(&rows[n]) >= w.window+w.seconds() {
			return n
		}
	}
	return most
}

// push adds rows to a part. It writes row groups that are full, or for which there is no memory any more.
func (w *writer[T]) push(p *part, rows []T) {
	g := p.group
	for i := range w.table.columns {
		w.table.columns[i].push(&g.columns[i], rows)
	}
	g.rows += len(rows)
	if g.rows%stride != 0 {
		return
	}
	w.account(p)
	if g.rows >= maxGroupRows || int64(g.size()) >= w.cfg.MaxBytes/2 {
		w.flush(p)
	}
	for w.used > w.budget() && w.shrink() {
	}
}

// drain returns the outcome of events since the last call, and the first error.
func (w *writer[T]) drain() (o outcome, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	o, w.outcome = w.outcome, outcome{}
	return o, w.err
}

// finish finishes all files. The next rows begin new ones.
func (w *writer[T]) finish() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, p := range w.oldestFirst() {
		w.complete(p)
	}
}

// close drops unfinished files and makes the writer drop all further rows. It does not wait for a write that is under way: its
// unfinished file is removed at the next start.
func (w *writer[T]) close() {
	w.once.Do(func() {
		close(w.quit)
		if !w.mu.TryLock() {
			return
		}
		defer w.mu.Unlock()
		w.closed = true
		for _, p := range w.oldestFirst() {
			w.drop(p)
		}
		w.folder.f.Close()
	})
}

// report logs and keeps the error of a write; nil is a success.
func (w *writer[T]) report(err error) {
	if err != nil {
		err = disk.Explain(err)
	}
	w.failures.Report(err)
	if err != nil && w.err == nil {
		w.err = fmt.Errorf("parquet output %s: %w", w.cfg.Dir, err)
	}
}
