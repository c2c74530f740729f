package aws

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/mirrorsink/mirrorsink/inspect/export/disk"
)

// spoolConfig configures a spool.
type spoolConfig struct {
	dir     string
	bytes   int64                       // bound of all finished files together
	records func(path string) int       // counts the records of a file found at the start; nil if they are not known
	before  func(a, b *pendingFile) int // the order in which files are delivered and, past the bound, dropped
	log     *slog.Logger
}

// spool is a folder of finished files, which a sender delivers in order. It is locked against other processes. Files whose names
// begin with a dot or end in .tmp are unfinished, and ignored.
//
// Past the bound the oldest files are dropped. After a long outage the newest records are the ones that an operator needs, and
// CloudWatch Logs refuses lines older than 14 days.
type spool struct {
	cfg   spoolConfig
	lock  *os.File
	quiet time.Time // until when drops are not logged

	mu     sync.Mutex      // guards the following, and quiet
	files  []*pendingFile  // in the order of before
	busy   map[string]bool // the keys of files that are being delivered, including those that were replaced meanwhile
	counts Counts          // OldestAge is not used
}

// pendingFile is a finished file that waits for delivery. The sender may read it while it is busy.
type pendingFile struct {
	path, key string
	size      int64
	records   uint64
	finished  time.Time
	stale     bool // there may be an incomplete upload of it; owned by the sender while busy
	tries     int  // failed ones
	busy      bool // being delivered
	gone      bool // not in the spool any more
}

func (f *pendingFile) amount() Amount { return Amount{1, uint64(f.size), f.records} }

// byAge orders files whose names do not determine their order.
func byAge(a, b *pendingFile) int {
	if c := a.finished.Compare(b.finished); c != 0 {
		return c
	}
	return strings.Compare(a.key, b.key)
}

func byKey(a, b *pendingFile) int { return strings.Compare(a.key, b.key) }

// openSpool creates the folder if necessary, locks it, and takes the files that an earlier process left in it.
func openSpool(cfg spoolConfig) (*spool, error) {
	if err := os.MkdirAll(cfg.dir, 0o750); err != nil {
		return nil, diskError("spool", cfg.dir, err)
	}
	lock, err := os.OpenFile(filepath.Join(cfg.dir, ".lock"), os.O_RDWR|os.O_CREATE, 0o640)
	if err != nil {
		return nil, diskError("spool", cfg.dir, err)
	}
	s := &spool{cfg: cfg, lock: lock, busy: map[string]bool{}}
	if disk.CanLock && !disk.TryLock(lock) {
		lock.Close()
		return nil, fmt.Errorf("spool %s: in use by another process (give each a --spool of its own)", cfg.dir)
	}
	if err := s.find(); err != nil {
		lock.Close()
		return nil, diskError("spool", cfg.dir, err)
	}
	return s, nil
}

// close lets other processes use the folder.
func (s *spool) close() { s.lock.Close() }

// find takes the files in the folder, and removes empty folders.
func (s *spool) find() error {
	var folders []string
	err := filepath.WalkDir(s.cfg.dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != s.cfg.dir:
			folders = append(folders, path)
		case d.Type().IsRegular() && isFinished(d.Name()):
			info, err := d.Info()
			if err != nil {
				return err
			}
			f := &pendingFile{path: path, key: s.keyOf(path), size: info.Size(), finished: info.ModTime(), stale: true}
			if s.cfg.records != nil {
				f.records = uint64(max(0, s.cfg.records(path)))
			}
			s.files = append(s.files, f)
		}
		return nil
	})
	for _, folder := range slices.Backward(folders) {
		os.Remove(folder) // fails if it is not empty
	}
	slices.SortFunc(s.files, s.cfg.before)
	for _, f := range s.files {
		s.counts.Spooled.add(f.amount())
		s.counts.Waiting.add(f.amount())
	}
	s.bound()
	return err
}

func isFinished(name string) bool {
	return !strings.HasPrefix(name, ".") && !strings.HasSuffix(name, ".tmp")
}

// keyOf returns a file's path within the folder, with slashes.
func (s *spool) keyOf(path string) string {
	key, err := filepath.Rel(s.cfg.dir, path)
	if err != nil {
		return filepath.Base(path)
	}
	return filepath.ToSlash(key)
}

// add takes a new finished file. It replaces a waiting file of the same name.
func (s *spool) add(path string, records int) {
	f := &pendingFile{path: path, key: s.keyOf(path), records: uint64(max(0, records)), finished: time.Now()}
	info, err := os.Stat(path)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		f.size = info.Size()
	}
	s.counts.Spooled.add(f.amount())
	if err != nil {
		s.counts.Dropped.add(f.amount())
		s.cfg.log.Error("a finished file is not in the spool", "error", diskError("file", path, err))
		return
	}
	if i := slices.IndexFunc(s.files, func(old *pendingFile) bool { return old.key == f.key }); i >= 0 {
		f.stale = true
		s.drop(s.files[i])
	}
	s.files = append(s.files, f)
	s.counts.Waiting.add(f.amount())
	s.bound()
}

// bound drops the oldest files past the bound, except those that are being delivered.
func (s *spool) bound() {
	var lost Amount
	for s.counts.Waiting.Bytes > uint64(s.cfg.bytes) {
		i := slices.IndexFunc(s.files, func(f *pendingFile) bool { return !f.busy })
		if i < 0 {
			break
		}
		f := s.files[i]
		s.drop(f)
		lost.add(f.amount())
		if err := os.Remove(f.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			s.cfg.log.Error("a dropped file stays on disk", "error", diskError("file", f.path, err))
		}
	}
	if now := time.Now(); lost.Files > 0 && now.After(s.quiet) {
		s.quiet = now.Add(dropLogInterval)
		s.cfg.log.Error("the spool is full, its oldest files are dropped", "spool", s.cfg.dir, "files", lost.Files, "records", lost.Records)
	}
}

// dropLogInterval bounds how often dropped files are logged: there may be many each second.
const dropLogInterval = 10 * time.Second

// drop counts a file as dropped. The caller holds mu, and removes the file from disk.
func (s *spool) drop(f *pendingFile) {
	f.gone = true
	s.files = slices.DeleteFunc(s.files, func(other *pendingFile) bool { return other == f })
	s.counts.Waiting.sub(f.amount())
	s.counts.Dropped.add(f.amount())
}

// take returns the file to be delivered next, nil if there is none. It is the first of the files with the fewest failures, so that an
// unreadable file does not block the others. With strict it is the first file.
func (s *spool) take(strict bool) *pendingFile {
	s.mu.Lock()
	defer s.mu.Unlock()
	var best *pendingFile
	for _, f := range s.files {
		if strict && f.busy {
			return nil
		}
		if !s.busy[f.key] && (best == nil || f.tries < best.tries) {
			best = f
		}
		if strict || best != nil && best.tries == 0 {
			break
		}
	}
	if best != nil {
		best.busy, s.busy[best.key] = true, true
	}
	return best
}

func (s *spool) idle(f *pendingFile) {
	f.busy = false
	delete(s.busy, f.key)
}

// putBack returns a file that could not be delivered.
func (s *spool) putBack(f *pendingFile) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.idle(f)
	f.tries++
}

// delivered removes a file that AWS has. rejected is the number of its records that AWS refused.
func (s *spool) delivered(f *pendingFile, rejected uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.idle(f)
	if f.gone {
		return // its name belongs to another file now
	}
	f.gone = true
	s.files = slices.DeleteFunc(s.files, func(other *pendingFile) bool { return other == f })
	s.counts.Waiting.sub(f.amount())
	done := f.amount()
	rejected = min(rejected, done.Records)
	done.Records -= rejected
	s.counts.Rejected += rejected
	s.counts.Delivered.add(done)
	if err := os.Remove(f.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.cfg.log.Error("a delivered file stays on disk, and is delivered again at the next start", "error", diskError("file", f.path, err))
	}
}

// missing counts a file as dropped that was removed by another program.
func (s *spool) missing(f *pendingFile) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.idle(f)
	if !f.gone {
		s.drop(f)
	}
}

func (s *spool) failed(class Class) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts.Failures[class]++
}

// snapshot returns the counts, with the age of the oldest file.
func (s *spool) snapshot() Counts {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.counts
	for _, f := range s.files {
		c.OldestAge = max(c.OldestAge, time.Since(f.finished))
	}
	return c
}
