package rotate

import (
	"errors"
	"io"
	"os"
	"time"

	"github.com/klauspost/compress/gzip"
)

// recover removes what a run that ended early has left within a compression. The rotated files are still there.
func (f *File) recover() {
	f.mu.Lock()
	defer f.mu.Unlock()
	_ = os.Remove(f.names.next)
	all, err := f.names.list()
	if err != nil {
		f.trouble("cannot read the folder of rotated files", err)
		return
	}
	for i := range all {
		e := &all[i]
		f.names.last = e.at
		if e.kind == part || e.kind == compressed && exists(e.path) {
			if err := f.names.remove(e); err != nil {
				f.trouble("cannot remove an incomplete compressed file", err)
			}
		}
	}
	f.shrink()
}

// trouble counts and logs a failure. The caller holds mu.
func (f *File) trouble(text string, err error) {
	f.counts.Failures++
	f.cfg.Log.Error(text, "output", f.cfg.Path, "error", err)
}

// shrink deletes the oldest rotated files, so that the others leave room for the current file, and for a compressed copy if there is one
// to be made. The caller holds mu.
func (f *File) shrink() {
	all, err := f.names.list()
	if err != nil {
		f.trouble("cannot read the folder of rotated files", err)
		return
	}
	sum, copied := int64(0), int64(0)
	for i := range all {
		sum += all[i].bytes
		if all[i].kind == plain {
			copied = max(copied, all[i].bytes)
		}
	}
	kept := len(all)
	for i := range all {
		e := &all[i]
		if sum <= f.cfg.Keep-f.cfg.Bytes-copied {
			break
		}
		if e.kind == part {
			continue // is removed with its file, by who writes it
		}
		if err := f.names.remove(e); err != nil {
			f.trouble("cannot delete a rotated file", err)
			continue
		}
		sum -= e.bytes
		kept--
		f.counts.Deleted++
		f.counts.DeletedBytes += uint64(e.bytes)
	}
	f.counts.Kept, f.counts.KeptBytes = uint64(kept), uint64(sum)
}

// compressAll compresses rotated files as they come, until Close.
func (f *File) compressAll() {
	defer close(f.done)
	for {
		select {
		case <-f.kick:
			f.compressPlain()
		case <-f.stop:
			if !f.cfg.Live {
				f.compressPlain()
			}
			return
		}
	}
}

// compressPlain compresses all rotated files that are not yet.
func (f *File) compressPlain() {
	all, err := f.names.list()
	if err != nil {
		return // the next rotation says so
	}
	for i := range all {
		if all[i].kind != plain {
			continue
		}
		err := f.compress(all[i].path)
		if errors.Is(err, errStopped) {
			return
		}
		f.mu.Lock()
		if err != nil {
			f.trouble("cannot compress a rotated file", err)
		}
		f.shrink()
		f.mu.Unlock()
		if err != nil {
			return // after the next rotation
		}
	}
}

// errStopped is for a compression that Close ended.
var errStopped = errors.New("stopped")

// compress puts a compressed copy in the place of a rotated file. A file that was deleted meanwhile stays deleted.
func (f *File) compress(path string) error {
	from, err := os.Open(path)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	defer from.Close()
	info, err := from.Stat()
	if err != nil {
		return err
	}
	temp := f.names.part(path)
	err = f.copyCompressed(temp, from, info)
	if err == nil {
		err = f.replace(path, temp)
	}
	if err != nil {
		_ = os.Remove(temp)
	}
	return err
}

// copyCompressed writes the compressed copy of a file.
func (f *File) copyCompressed(temp string, from io.Reader, info os.FileInfo) (err error) {
	to, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, info.Mode().Perm())
	if err != nil {
		return err
	}
	defer func() {
		if closeErr := to.Close(); err == nil {
			err = closeErr
		}
	}()
	z := f.zip
	if z == nil {
		if z, err = gzip.NewWriterLevel(to, gzip.BestSpeed); err != nil {
			return err
		}
		f.zip = z
	}
	z.Reset(to)
	z.Name, z.ModTime = info.Name(), info.ModTime()
	if _, err := io.Copy(z, &stoppable{from, f}); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	if err := to.Sync(); err != nil { // the original goes after this
		return err
	}
	return os.Chtimes(temp, time.Time{}, info.ModTime())
}

// replace gives the compressed copy its name and deletes the original, unless that was deleted meanwhile.
func (f *File) replace(path, temp string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !exists(path) {
		return os.Remove(temp)
	}
	if err := os.Rename(temp, path+gzipExt); err != nil {
		return err
	}
	f.counts.Compressed++
	return os.Remove(path)
}

// stoppable is a reader that Close of a live file ends.
type stoppable struct {
	io.Reader
	f *File
}

func (s *stoppable) Read(p []byte) (int, error) {
	if s.f.cfg.Live {
		select {
		case <-s.f.stop:
			return 0, errStopped
		default:
		}
	}
	return s.Reader.Read(p)
}
