// Package rotate writes lines to a file that gives way to a new one when it is large or old enough. Rotated files are compressed in the
// background. The oldest are deleted, so that all files together stay below a bound.
package rotate

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/mirrorsink/mirrorsink/inspect/export/disk"
)

// Config configures a File.
type Config struct {
	Path  string
	Bytes int64         // no file is larger, but for a single write; 0 for a quarter of Keep
	Every time.Duration // rotate at multiples of it, in UTC; 0 for never
	Keep  int64         // bound of all files together: at least KeepFactor times Bytes
	Live  bool          // Close leaves what is not compressed yet to the next start
	Log   *slog.Logger
	Now   func() time.Time // the clock; time.Now if nil
}

// KeepFactor is how many files of the full size must fit into the bound: the current one, one that was rotated, its compressed copy while it
// is written, and one more.
const KeepFactor = 4

// Counts are what became of files.
type Counts struct {
	Rotated, Compressed   uint64 // files
	Deleted, DeletedBytes uint64 // files that were deleted because of the bound, and their bytes as they were, mostly compressed
	Failures              uint64 // of rotating, compressing and deleting; all are tried again
	Kept, KeptBytes       uint64 // rotated files that are there
}

// Add adds the counts of another file.
func (c *Counts) Add(o *Counts) {
	c.Rotated += o.Rotated
	c.Compressed += o.Compressed
	c.Deleted += o.Deleted
	c.DeletedBytes += o.DeletedBytes
	c.Failures += o.Failures
	c.Kept += o.Kept
	c.KeptBytes += o.KeptBytes
}

// File is a file that is rotated. All methods but Close and Counts are called by one goroutine.
type File struct {
	cfg     Config
	names   names
	file    atomic.Pointer[os.File] // Close reads it concurrently with the writer
	size    int64                   // of the file
	period  time.Time               // the multiple of Every that the file began in
	partial bool                    // the file ends within a line
	retry   time.Time               // until then rotation is not tried again
	most    int64                   // what the file may grow to after a failure to rotate it; 0 for no failure

	zip  *gzip.Writer  // the compressing goroutine's: its tables take a megabyte
	kick chan struct{} // there is something to compress
	stop chan struct{} // closed by Close
	done chan struct{} // closed when nothing is compressed any more

	mu     sync.Mutex // held while rotated files are renamed and deleted; guards counts
	counts Counts
}

// retryInterval is how long nothing is tried after a failure to rotate.
const retryInterval = time.Second

// Open opens the file, to append to it. It finds what an earlier run has left: the file goes on, rotated files are compressed, and
// count for the bound.
func Open(cfg Config) (*File, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Bytes == 0 {
		cfg.Bytes = cfg.Keep / KeepFactor
	}
	if cfg.Bytes <= 0 || cfg.Keep < KeepFactor*cfg.Bytes {
		return nil, fmt.Errorf("event output %s: files of %d bytes do not fit into %d", cfg.Path, cfg.Bytes, cfg.Keep)
	}
	path := cfg.Path
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real // the file is renamed, and not a link to it
	}
	f := &File{
		cfg: cfg, names: namesOf(path), kick: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{}),
	}
	if err := f.Reopen(); err != nil {
		return nil, err
	}
	f.recover()
	go f.compressAll()
	f.kick <- struct{}{}
	return f, nil
}

// String returns the file's name, as the user gave it.
func (f *File) String() string { return f.cfg.Path }

// Counts returns what became of files so far. It is safe for concurrent use.
func (f *File) Counts() Counts {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.counts
}

// Reopen opens the path anew, after the file was moved away by others. After a failure the old file stays in use.
func (f *File) Reopen() error {
	o, err := os.OpenFile(f.names.current, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o640)
	if err != nil {
		return fmt.Errorf("event output %s: %w", f.cfg.Path, disk.Explain(err))
	}
	info, err := o.Stat()
	if err != nil {
		o.Close()
		return fmt.Errorf("event output %s: %w", f.cfg.Path, disk.Explain(err))
	}
	return f.use(o, info.Size(), info.ModTime())
}

// use takes an open file in the place of the old one, which it closes.
func (f *File) use(o *os.File, size int64, written time.Time) error {
	f.size, f.most, f.retry = size, 0, time.Time{}
	f.partial = size > 0 && !endsLine(o, size)
	f.period = f.periodOf(f.cfg.Now())
	if size > 0 {
		f.period = f.periodOf(written)
	}
	if old := f.file.Swap(o); old != nil {
		return old.Close()
	}
	return nil
}

// endsLine reports whether the last byte of a file ends a line.
func endsLine(o *os.File, size int64) bool {
	var last [1]byte
	_, err := o.ReadAt(last[:], size-1)
	return err == nil && last[0] == '\n'
}

// periodOf returns the multiple of Every that a time is in.
func (f *File) periodOf(t time.Time) time.Time {
	if f.cfg.Every <= 0 {
		return time.Time{}
	}
	return t.UTC().Truncate(f.cfg.Every)
}

// Write writes lines. After a write that ended within a line, as on a full disk, it first ends that line.
func (f *File) Write(p []byte) (int, error) {
	if f.most > 0 && f.size+int64(len(p)) > f.most {
		return 0, fmt.Errorf("event output %s: cannot be rotated, and must not grow further", f.cfg.Path)
	}
	o := f.file.Load()
	if f.partial {
		if _, err := o.Write([]byte{'\n'}); err != nil {
			return 0, err
		}
		f.size++
	}
	n, err := o.Write(p)
	f.size += int64(n)
	f.partial = n > 0 && p[n-1] != '\n'
	return n, err
}

// Due reports whether the file is to be rotated before a number of bytes is written.
func (f *File) Due(n int) bool {
	if f.size == 0 {
		f.period = f.periodOf(f.cfg.Now())
		return false
	}
	now := f.cfg.Now()
	if now.Before(f.retry) && f.retry.Sub(now) <= retryInterval { // and the clock was not set back
		return false
	}
	return f.size+int64(n) > f.cfg.Bytes || !f.periodOf(now).Equal(f.period)
}

// Rotate gives the file a name of its own and goes on in a new one. It reports false if that failed: then the old one stays in use, as
// far as the bound allows.
func (f *File) Rotate() bool {
	if f.movedAway() {
		if err := f.Reopen(); err != nil {
			f.fail("cannot reopen, going on with the old file", err)
			return false
		}
		return true
	}
	next, err := f.exchange()
	if err != nil {
		f.fail("cannot rotate, going on with the old file", err)
		return false
	}
	_ = f.use(next, 0, time.Time{}) // all that was written to the old one was taken by the kernel
	select {
	case f.kick <- struct{}{}:
	default: // it is going to look anyway
	}
	return true
}

// movedAway reports whether the path is another file than the open one, or none: others rotate it too.
func (f *File) movedAway() bool {
	ours, err := f.file.Load().Stat()
	if err != nil {
		return false
	}
	there, err := os.Lstat(f.names.current)
	return os.IsNotExist(err) || err == nil && !os.SameFile(ours, there)
}

// exchange opens a new file and gives it the name of the current one, which gets one of its own.
func (f *File) exchange() (*os.File, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	select {
	case <-f.stop:
		return nil, os.ErrClosed
	default:
	}
	name := f.names.rotated(f.cfg.Now())
	next, err := os.OpenFile(f.names.next, os.O_RDWR|os.O_CREATE|os.O_TRUNC|os.O_APPEND, 0o640)
	if err != nil {
		return nil, err
	}
	if err := f.names.exchange(name); err != nil {
		next.Close()
		return nil, err
	}
	f.counts.Rotated++
	f.shrink()
	return next, nil
}

// fail counts and logs a failure to rotate, and finds how far the file may grow instead.
func (f *File) fail(text string, err error) {
	first := f.most == 0
	f.retry = f.cfg.Now().Add(retryInterval)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.counts.Failures++
	f.shrink()
	f.most = max(1, f.cfg.Keep-int64(f.counts.KeptBytes))
	if first {
		f.cfg.Log.Error(text, "output", f.cfg.Path, "error", err)
	}
}

// Close closes the file. A live one leaves what is not compressed to the next start, otherwise it is compressed first. It may be called
// during a Write.
func (f *File) Close() error {
	f.mu.Lock()
	close(f.stop)
	f.mu.Unlock()
	<-f.done
	return f.file.Load().Close()
}
