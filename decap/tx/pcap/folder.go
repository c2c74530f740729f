package pcap

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// A folder holds capture files named for the time of their first frame. While a file is written, its name has a dot before it and partExt
// after it.
type folder struct {
	dir, ext string
	log      *slog.Logger

	name string // of the current file, once it is finished
	file *os.File
	seen time.Time // when the file was last seen in the folder
}

const (
	partExt    = ".part"
	namePrefix = "mirrorsink-"
	nameTime   = "20060102T150405.000000Z"
	// maxSameName is how many files may start with the same microsecond.
	maxSameName = 1000
)

// open checks that files can be created, and finishes those that a crash left behind.
func (d *folder) open() error {
	probe, err := os.CreateTemp(d.dir, ".mirrorsink-probe-*")
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("folder %s does not exist: create it first", d.dir)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("folder %s: permission denied: give one that this user may write to", d.dir)
	case err != nil:
		return fmt.Errorf("folder %s: %w: give one that files can be written to", d.dir, err)
	}
	probe.Close()
	if err := os.Remove(probe.Name()); err != nil {
		return fmt.Errorf("folder %s: %w", d.dir, err)
	}
	return d.recover()
}

func (d *folder) path(name string) string { return filepath.Join(d.dir, name) }

func (d *folder) part(name string) string { return d.path("." + name + partExt) }

// begin creates a file under an unused name.
func (d *folder) begin(nanos int64) error {
	base := namePrefix + time.Unix(0, nanos).UTC().Format(nameTime)
	for n := range maxSameName {
		name := numbered(base, d.ext, n)
		if d.taken(name) {
			continue
		}
		f, err := os.OpenFile(d.part(name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o640)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return err
		}
		_ = lockExclusive(f) // without locks no other process takes the file for a leftover either
		d.name, d.file, d.seen = name, f, time.Now()
		return nil
	}
	return fmt.Errorf("%d files start at %s: move some away", maxSameName, base)
}

// numbered returns the name of the n-th file, from 0, that starts with the same microsecond. The names sort in the order of creation.
func numbered(base, ext string, n int) string {
	if n == 0 {
		return base + ext
	}
	return fmt.Sprintf("%s_%03d%s", base, n, ext)
}

func (d *folder) taken(name string) bool {
	_, err := os.Lstat(d.path(name))
	return err == nil
}

// write appends to the file. It fails if the file was removed, which the system does not report.
func (d *folder) write(p []byte) (int, error) {
	if now := time.Now(); now.Sub(d.seen) >= retryInterval {
		d.seen = now
		if _, err := os.Lstat(d.part(d.name)); err != nil {
			return 0, err
		}
	}
	return d.file.Write(p)
}

// finish truncates the file to n bytes and gives it its name.
func (d *folder) finish(n int64) error {
	f := d.file
	if f == nil {
		return nil
	}
	d.file = nil
	err := f.Truncate(n)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	switch {
	case n == 0:
		return os.Remove(d.part(d.name))
	case err != nil:
		return err // the file is finished at the next start
	default:
		return os.Rename(d.part(d.name), d.path(d.name))
	}
}

func (d *folder) String() string { return d.dir }

// recover finishes the files of processes that ended before they did.
func (d *folder) recover() error {
	entries, err := os.ReadDir(d.dir)
	if err != nil {
		return fmt.Errorf("folder %s: %w", d.dir, err)
	}
	for _, e := range entries {
		name, hidden := strings.CutPrefix(e.Name(), ".")
		name, part := strings.CutSuffix(name, partExt)
		if !hidden || !part || !strings.HasPrefix(name, namePrefix) || !e.Type().IsRegular() {
			continue
		}
		if err := d.rescue(name); err != nil {
			d.log.Warn("an unfinished capture file stays as it is", "file", d.path(e.Name()), "error", err)
		}
	}
	return nil
}

// errInUse is for files that may be another process's.
var errInUse = errors.New("another process may be writing it")

// rescue finishes one file with its complete frames.
func (d *folder) rescue(name string) error {
	f, err := os.OpenFile(d.part(name), os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	if !lockExclusive(f) {
		return errInUse
	}
	end, frames := completeFrames(f, filepath.Ext(name))
	if frames == 0 {
		d.log.Info("removed an unfinished capture file without frames", "file", d.part(name))
		return os.Remove(d.part(name))
	}
	if err := f.Truncate(end); err != nil {
		return err
	}
	base, ext := strings.TrimSuffix(name, filepath.Ext(name)), filepath.Ext(name)
	for n := 0; d.taken(name); n++ {
		name = numbered(base+"-rescued", ext, n)
	}
	d.log.Info("finished a capture file that a crash left behind", "file", d.path(name), "frames", frames)
	return os.Rename(f.Name(), d.path(name))
}
