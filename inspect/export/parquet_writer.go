package export

import (
	"fmt"
	"log/slog"
	"sync"
	"time"
)

const (
	// maxGroupRows bounds a row group, which is what readers share among threads.
	maxGroupRows = 64 << 10
	// parquetStride is how many rows are taken at a time: they should stay in the cache while it goes column by column.
	parquetStride = 64
	// maxParts bounds how many files are in progress: one for each account, region and hour. More than that is somebody's joke.
	maxParts = 1024
	// maxIdle is how many empty row groups are kept for reuse.
	maxIdle = 2
)

// ParquetCounts is what became of rows. Those that wait for their file to be finished are neither written nor lost.
type ParquetCounts struct {
	Written uint64 // in finished files
	Lost    uint64
	Files   uint64 // finished
	Bytes   uint64 // of these
}

// parquetWriter writes rows of type T into files, one at a time for each folder that rows belong to.
type parquetWriter[T any] struct {
	cfg    ParquetConfig
	table  *table[T]
	layout layout
	naming naming
	folder *folder
	quit   chan struct{} // closed by close
	once   sync.Once     // of close

	mu      sync.Mutex // guards the following
	parts   map[partKey]*part
	last    *part // of the last row, as the next one is often of the same
	opened  uint64
	idle    []*rowGroup
	used    int // bytes of all parts and idle groups
	chunks  *chunkWriter
	window  int64 // the rotation period that is now, in seconds since 1970
	counts  ParquetCounts
	settled tally     // since it was drained
	err     error     // the first one
	failed  bool      // the last file could not be written
	quiet   time.Time // until when failures are not logged
	closed  bool
}

// partKey is a folder: whose rows, and when, in periods since 1970.
type partKey struct {
	locality
	period int64
}

// part is what is on its way to one folder.
type part struct {
	key   partKey
	age   uint64       // parts that were opened before
	file  *parquetFile // nil while all is in the group
	group *rowGroup    // nil while it is empty
	held  int          // bytes of memory, as of late
}

func newParquetWriter[T any](cfg ParquetConfig, t *table[T], n naming) (*parquetWriter[T], error) {
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	n.log = cfg.ID
	if n.log == "" {
		n.log = DefaultLogID
	}
	if err := cfg.check(); err != nil {
		return nil, fmt.Errorf("parquet output %s: %w", cfg.Dir, err)
	}
	d, leftovers, err := openFolder(cfg.Dir)
	if err != nil {
		return nil, fmt.Errorf("parquet output %s: %w", cfg.Dir, withRemedy(err))
	}
	if leftovers > 0 {
		cfg.Log.Warn("removed files that were not finished when the program last ended; their records are lost",
			"output", cfg.Dir, "files", leftovers)
	}
	chunks, err := newChunkWriter()
	if err != nil {
		return nil, err
	}
	w := &parquetWriter[T]{
		cfg: cfg, table: t, layout: t.layout(), naming: n, folder: d,
		quit: make(chan struct{}), parts: map[partKey]*part{}, chunks: chunks,
	}
	if cfg.Live {
		go w.watch()
	}
	return w, nil
}

// watch rotates while no rows come.
func (w *parquetWriter[T]) watch() {
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

// write takes rows in runs that belong together. Where runs end does not depend on how rows are handed over, so that the same
// rows make the same files. last says of each row of which event it is the last one, as lastOf does; it may be nil.
func (w *parquetWriter[T]) write(rows []T, last []uint8) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		w.lose(len(rows), marked(last))
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
		if last != nil {
			p.group.events.add(marked(last[:n]))
			last = last[n:]
		}
		w.push(p, rows[:n])
		rows = rows[n:]
	}
}

// drain returns what became of events since it was called last.
func (w *parquetWriter[T]) drain() (t tally, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	t, w.settled = w.settled, tally{}
	return t, w.err
}

func (w *parquetWriter[T]) lose(rows int, events kindCounts) {
	w.counts.Lost += uint64(rows)
	w.settled.lost.add(events)
}

// run returns how many of the rows go to the same part one after the other.
func (w *parquetWriter[T]) run(p *part, rows []T) int {
	most := min(len(rows), parquetStride-p.group.rows%parquetStride)
	for n := 1; n < most; n++ {
		if w.key(&rows[n]) != p.key || !w.cfg.Live && w.table.at(&rows[n]) >= w.window+w.seconds() {
			return n
		}
	}
	return most
}

// push adds rows, and writes what there is no room for any more.
func (w *parquetWriter[T]) push(p *part, rows []T) {
	g := p.group
	for i := range w.table.columns {
		w.table.columns[i].push(&g.columns[i], rows)
	}
	g.rows += len(rows)
	if g.rows%parquetStride != 0 {
		return
	}
	w.hold(p)
	if g.rows >= maxGroupRows || int64(g.size()) >= w.cfg.MaxBytes/2 {
		w.flush(p)
	}
	for w.used > w.budget() && w.shrink() {
	}
}

// hold counts what a part holds now: its rows, and the description of those that are in its file.
func (w *parquetWriter[T]) hold(p *part) {
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

// budget is what parts may hold. The rest is for what writing takes: an order of rows, a page, a dictionary.
func (w *parquetWriter[T]) budget() int { return w.cfg.Memory / 2 }

// shrink gives memory back: that of an idle group, or of the largest part after writing its rows. If that would give nothing,
// since describing them takes as much as they do, the part's file is finished. It is false if there is nothing to give.
func (w *parquetWriter[T]) shrink() bool {
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

func (w *parquetWriter[T]) counted() ParquetCounts {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.counts
}

// finish finishes all files, and goes on with new ones.
func (w *parquetWriter[T]) finish() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, p := range w.oldestFirst() {
		w.complete(p)
	}
}

// close drops what is in progress, and takes nothing any more. It does not wait for a write that is under way: what that leaves
// behind is removed at the next start.
func (w *parquetWriter[T]) close() {
	w.once.Do(func() {
		close(w.quit)
		if !w.mu.TryLock() {
			return
		}
		defer w.mu.Unlock()
		w.closed = true
		for _, p := range w.oldestFirst() {
			w.abandon(p)
		}
		w.folder.f.Close()
	})
}
