package spool

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/mirrorsink/mirrorsink/inspect/export/disk"
)

// folder is a folder of finished files, which a sender delivers in order. It is locked against other processes. Files whose names
// begin with a dot or end in .tmp are unfinished, and ignored.
//
// Past the bound the oldest files are dropped. After a long outage the newest records are the ones that an operator needs, and
// CloudWatch Logs refuses lines older than 14 days.
type folder struct {
	cfg   Config
	lock  *os.File
	quiet time.Time // until when drops are not logged

	mu     sync.Mutex      // guards the following, and quiet
	files  []*File         // in the order of before
	busy   map[string]bool // the keys of files that are being delivered, including those that were replaced meanwhile
	counts Counts          // OldestAge is not used
}

// File is a finished file that waits for delivery.
type File struct {
	Path    string
	Key     string // the path within the folder, with slashes
	Size    int64
	Records uint64
	Stale   bool // there may be an incomplete delivery of it; the one that delivers it may set it
	Tries   int  // failed deliveries

	finished time.Time
	busy     bool // being delivered
	gone     bool // not in the spool any more
}

func (f *File) amount() Amount { return Amount{1, uint64(f.Size), f.Records} }

// Open opens the file to read it. Its error is one that Deliver may return.
func (f *File) Open() (*os.File, error) {
	file, err := os.Open(f.Path)
	return file, f.readError(err)
}

// Read returns the content of the file. Its error is one that Deliver may return.
func (f *File) Read() ([]byte, error) {
	text, err := os.ReadFile(f.Path)
	return text, f.readError(err)
}

func (f *File) readError(err error) error {
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return DiskFailure("file", f.Path, err)
}

// byAge orders files whose names do not determine their order.
func byAge(a, b *File) int {
	if c := a.finished.Compare(b.finished); c != 0 {
		return c
	}
	return byName(a, b)
}

func byName(a, b *File) int { return strings.Compare(a.Key, b.Key) }

// openFolder creates the folder if necessary, locks it, and takes the files that an earlier process left in it.
func openFolder(cfg Config) (*folder, error) {
	if err := os.MkdirAll(cfg.Dir, 0o750); err != nil {
		return nil, DiskFailure("spool", cfg.Dir, err)
	}
	lock, err := os.OpenFile(filepath.Join(cfg.Dir, ".lock"), os.O_RDWR|os.O_CREATE, 0o640)
	if err != nil {
		return nil, DiskFailure("spool", cfg.Dir, err)
	}
	s := &folder{cfg: cfg, lock: lock, busy: map[string]bool{}}
	if disk.CanLock && !disk.TryLock(lock) {
		lock.Close()
		return nil, fmt.Errorf("spool %s: in use by another process (give each a --spool of its own)", cfg.Dir)
	}
	if err := s.find(); err != nil {
		lock.Close()
		return nil, DiskFailure("spool", cfg.Dir, err)
	}
	return s, nil
}

// close lets other processes use the folder.
func (s *folder) close() { s.lock.Close() }

// find takes the files in the folder, and removes empty folders.
func (s *folder) find() error {
	var folders []string
	err := filepath.WalkDir(s.cfg.Dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != s.cfg.Dir:
			folders = append(folders, path)
		case d.Type().IsRegular() && isFinished(d.Name()):
			info, err := d.Info()
			if err != nil {
				return err
			}
			f := &File{Path: path, Key: s.keyOf(path), Size: info.Size(), finished: info.ModTime(), Stale: true}
			if s.cfg.Records != nil {
				f.Records = uint64(max(0, s.cfg.Records(path)))
			}
			s.files = append(s.files, f)
		}
		return nil
	})
	for _, folder := range slices.Backward(folders) {
		os.Remove(folder) // fails if it is not empty
	}
	if s.cfg.Numbered != "" {
		slices.SortFunc(s.files, byName)
	} else {
		slices.SortFunc(s.files, byAge)
	}
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
func (s *folder) keyOf(path string) string {
	key, err := filepath.Rel(s.cfg.Dir, path)
	if err != nil {
		return filepath.Base(path)
	}
	return filepath.ToSlash(key)
}

// newest returns the key of the last file, "" if there is none.
func (s *folder) newest() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.files); n > 0 {
		return s.files[n-1].Key
	}
	return ""
}

// add takes a new finished file. It replaces a waiting file of the same name.
func (s *folder) add(path string, records int) {
	f := &File{Path: path, Key: s.keyOf(path), Records: uint64(max(0, records)), finished: time.Now()}
	info, err := os.Stat(path)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		f.Size = info.Size()
	}
	s.counts.Spooled.add(f.amount())
	if err != nil {
		s.counts.Dropped.add(f.amount())
		s.cfg.Log.Error("a finished file is not in the spool", "error", DiskFailure("file", path, err))
		return
	}
	if i := slices.IndexFunc(s.files, func(old *File) bool { return old.Key == f.Key }); i >= 0 {
		f.Stale = true
		s.drop(s.files[i])
	}
	s.files = append(s.files, f)
	s.counts.Waiting.add(f.amount())
	s.bound()
}

// bound drops the oldest files past the bound, except those that are being delivered.
func (s *folder) bound() {
	var lost Amount
	for s.counts.Waiting.Bytes > uint64(s.cfg.Bytes) {
		i := slices.IndexFunc(s.files, func(f *File) bool { return !f.busy })
		if i < 0 {
			break
		}
		f := s.files[i]
		s.drop(f)
		lost.add(f.amount())
		if err := os.Remove(f.Path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			s.cfg.Log.Error("a dropped file stays on disk", "error", DiskFailure("file", f.Path, err))
		}
	}
	if now := time.Now(); lost.Files > 0 && now.After(s.quiet) {
		s.quiet = now.Add(dropLogInterval)
		s.cfg.Log.Error("the spool is full, its oldest files are dropped", "spool", s.cfg.Dir, "files", lost.Files, "records", lost.Records)
	}
}

// dropLogInterval bounds how often dropped files are logged: there may be many each second.
const dropLogInterval = 10 * time.Second

// drop counts a file as dropped. The caller holds mu, and removes the file from disk.
func (s *folder) drop(f *File) {
	f.gone = true
	s.files = slices.DeleteFunc(s.files, func(other *File) bool { return other == f })
	s.counts.Waiting.sub(f.amount())
	s.counts.Dropped.add(f.amount())
}

// take returns the file to be delivered next, nil if there is none. It is the first of the files with the fewest failures, so that an
// unreadable file does not block the others. With strict it is the first file.
func (s *folder) take(strict bool) *File {
	s.mu.Lock()
	defer s.mu.Unlock()
	var best *File
	for _, f := range s.files {
		if strict && f.busy {
			return nil
		}
		if !s.busy[f.Key] && (best == nil || f.Tries < best.Tries) {
			best = f
		}
		if strict || best != nil && best.Tries == 0 {
			break
		}
	}
	if best != nil {
		best.busy, s.busy[best.Key] = true, true
	}
	return best
}

func (s *folder) idle(f *File) {
	f.busy = false
	delete(s.busy, f.Key)
}

// putBack returns a file that could not be delivered.
func (s *folder) putBack(f *File) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.idle(f)
	f.Tries++
}

// delivered removes a file that AWS has. rejected is the number of its records that AWS refused.
func (s *folder) delivered(f *File, rejected uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.idle(f)
	if f.gone {
		return // its name belongs to another file now
	}
	f.gone = true
	s.files = slices.DeleteFunc(s.files, func(other *File) bool { return other == f })
	s.counts.Waiting.sub(f.amount())
	done := f.amount()
	rejected = min(rejected, done.Records)
	done.Records -= rejected
	s.counts.Rejected += rejected
	s.counts.Delivered.add(done)
	if err := os.Remove(f.Path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.cfg.Log.Error("a delivered file stays on disk, and is delivered again at the next start", "error", DiskFailure("file", f.Path, err))
	}
}

// missing counts a file as dropped that was removed by another program.
func (s *folder) missing(f *File) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.idle(f)
	if !f.gone {
		s.drop(f)
	}
}

// waiting returns a copy of the list of files.
func (s *folder) waiting() []*File {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.files)
}

func (s *folder) failed(class Class) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts.Failures[class]++
}

// snapshot returns the counts, with the age of the oldest file.
func (s *folder) snapshot() Counts {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.counts
	for _, f := range s.files {
		c.OldestAge = max(c.OldestAge, time.Since(f.finished))
	}
	return c
}
