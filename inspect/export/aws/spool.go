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

// spoolConfig says where a spool is and what it may hold.
type spoolConfig struct {
	dir     string
	bytes   int64                   // bound of all finished files together
	records func(path string) int   // of a file found at the start; nil is for not known
	before  func(a, b *spooled) int // the order in which files are delivered and, past the bound, dropped
	log     *slog.Logger
}

// spool is a folder of finished files, which a sender delivers in order. It is locked against other processes. Files whose
// names begin with a dot or end in .tmp are being written, and not seen.
//
// Past the bound the oldest files go, so that what is there after a long outage is what happened last: that is what an
// operator who has just mended something asks for, and CloudWatch Logs would refuse what is older than a fortnight.
type spool struct {
	cfg   spoolConfig
	lock  *os.File
	quiet time.Time // until when drops are not logged

	mu     sync.Mutex      // guards the following, and quiet
	files  []*spooled      // in the order of before
	busy   map[string]bool // the keys of files that are being delivered, those included that were replaced meanwhile
	counts Counts          // Waiting is kept; the age is not
}

// spooled is a finished file. The sender may read it while it is busy.
type spooled struct {
	path, key string
	size      int64
	records   uint64
	finished  time.Time
	stale     bool // an upload of it may be there, begun and never completed; the sender's while it is busy
	tries     int  // that failed
	busy      bool // being delivered
	gone      bool // not in the spool any more
}

func (f *spooled) tally() Tally { return Tally{1, uint64(f.size), f.records} }

// byAge is the order of files that do not say more by their names.
func byAge(a, b *spooled) int {
	if c := a.finished.Compare(b.finished); c != 0 {
		return c
	}
	return strings.Compare(a.key, b.key)
}

func byKey(a, b *spooled) int { return strings.Compare(a.key, b.key) }

// openSpool makes the folder if need be, locks it, and takes what an earlier process left in it.
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

// find takes the files that are there, and removes folders in which there are none.
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
			f := &spooled{path: path, key: s.keyOf(path), size: info.Size(), finished: info.ModTime(), stale: true}
			if s.cfg.records != nil {
				f.records = uint64(max(0, s.cfg.records(path)))
			}
			s.files = append(s.files, f)
		}
		return nil
	})
	for _, folder := range slices.Backward(folders) {
		os.Remove(folder) // fails where something is in it
	}
	slices.SortFunc(s.files, s.cfg.before)
	for _, f := range s.files {
		s.counts.Spooled.add(f.tally())
		s.counts.Waiting.add(f.tally())
	}
	s.bound()
	return err
}

func isFinished(name string) bool {
	return !strings.HasPrefix(name, ".") && !strings.HasSuffix(name, ".tmp")
}

// keyOf is the path within the folder, with slashes.
func (s *spool) keyOf(path string) string {
	key, err := filepath.Rel(s.cfg.dir, path)
	if err != nil {
		return filepath.Base(path)
	}
	return filepath.ToSlash(key)
}

// add takes a file that has just been finished. One of the same name that still waits has been replaced by it.
func (s *spool) add(path string, records int) {
	f := &spooled{path: path, key: s.keyOf(path), records: uint64(max(0, records)), finished: time.Now()}
	info, err := os.Stat(path)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		f.size = info.Size()
	}
	s.counts.Spooled.add(f.tally())
	if err != nil {
		s.counts.Dropped.add(f.tally())
		s.cfg.log.Error("a finished file is not in the spool", "error", diskError("file", path, err))
		return
	}
	if i := slices.IndexFunc(s.files, func(old *spooled) bool { return old.key == f.key }); i >= 0 {
		f.stale = true
		s.forget(s.files[i])
	}
	s.files = append(s.files, f)
	s.counts.Waiting.add(f.tally())
	s.bound()
}

// bound drops the oldest files past the bound, but for those that are being delivered.
func (s *spool) bound() {
	var lost Tally
	for s.counts.Waiting.Bytes > uint64(s.cfg.bytes) {
		i := slices.IndexFunc(s.files, func(f *spooled) bool { return !f.busy })
		if i < 0 {
			break
		}
		f := s.files[i]
		s.forget(f)
		lost.add(f.tally())
		if err := os.Remove(f.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			s.cfg.log.Error("a dropped file stays on disk", "error", diskError("file", f.path, err))
		}
	}
	if now := time.Now(); lost.Files > 0 && now.After(s.quiet) {
		s.quiet = now.Add(complainEvery)
		s.cfg.log.Error("the spool is full, its oldest files are dropped", "spool", s.cfg.dir, "files", lost.Files, "records", lost.Records)
	}
}

// complainEvery bounds how often it is logged that files are dropped, which may be many a second.
const complainEvery = 10 * time.Second

// forget counts a file as dropped. The caller holds mu, and what becomes of it on disk is the caller's business.
func (s *spool) forget(f *spooled) {
	f.gone = true
	s.files = slices.DeleteFunc(s.files, func(other *spooled) bool { return other == f })
	s.counts.Waiting.sub(f.tally())
	s.counts.Dropped.add(f.tally())
}

// take returns the file to be delivered next, nil if there is none: the first of those that failed least often, so that one
// that cannot be read stands in nobody's way. In strict order it is the first, whatever happened to it.
func (s *spool) take(strict bool) *spooled {
	s.mu.Lock()
	defer s.mu.Unlock()
	var best *spooled
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

func (s *spool) idle(f *spooled) {
	f.busy = false
	delete(s.busy, f.key)
}

// untake gives back a file that could not be delivered.
func (s *spool) untake(f *spooled) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.idle(f)
	f.tries++
}

// delivered removes a file that AWS has, but for rejected ones of its records.
func (s *spool) delivered(f *spooled, rejected uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.idle(f)
	if f.gone {
		return // another file has its name now
	}
	f.gone = true
	s.files = slices.DeleteFunc(s.files, func(other *spooled) bool { return other == f })
	s.counts.Waiting.sub(f.tally())
	done := f.tally()
	rejected = min(rejected, done.Records)
	done.Records -= rejected
	s.counts.Rejected += rejected
	s.counts.Delivered.add(done)
	if err := os.Remove(f.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.cfg.log.Error("a delivered file stays on disk, and is delivered again at the next start", "error", diskError("file", f.path, err))
	}
}

// vanished counts a file as dropped that somebody else removed.
func (s *spool) vanished(f *spooled) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.idle(f)
	if !f.gone {
		s.forget(f)
	}
}

func (s *spool) failed(class Class) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts.Failures[class]++
}

// snapshot returns the counts, and how long the oldest file has been waiting.
func (s *spool) snapshot() Counts {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.counts
	for _, f := range s.files {
		c.OldestAge = max(c.OldestAge, time.Since(f.finished))
	}
	return c
}
