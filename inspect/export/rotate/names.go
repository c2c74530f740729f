package rotate

import (
	"cmp"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// names are the names of a file and of what it was rotated to: "eve.json", "eve-20261130T200000.000Z.json", the same with ".gz".
type names struct {
	current   string // the path
	next      string // a new file until it has that path
	dir       string
	stem, ext string
	last      time.Time // of the latest rotated file
}

const (
	nameTime = "20060102T150405.000Z"
	gzipExt  = ".gz"
	partExt  = ".part" // of a file that is being compressed; it begins with a dot, too
)

func namesOf(path string) names {
	dir, base := filepath.Split(path)
	ext := filepath.Ext(base)
	stem := strings.TrimSuffix(base, ext)
	if stem == "" {
		stem, ext = base, ""
	}
	return names{current: path, next: filepath.Join(dir, "."+base+".next"), dir: cmp.Or(filepath.Clean(dir), "."), stem: stem, ext: ext}
}

// rotated returns the name for a file that is rotated at a time: a millisecond later than the last one at least, also after the clock was set
// back. So names sort in the order in which files were rotated.
func (n *names) rotated(at time.Time) string {
	at = at.UTC().Truncate(time.Millisecond)
	if !at.After(n.last) {
		at = n.last.Add(time.Millisecond)
	}
	n.last = at
	return filepath.Join(n.dir, n.stem+"-"+at.Format(nameTime)+n.ext)
}

// exchange gives the current file another name, and its own to the next one. After an error all is as it was.
func (n *names) exchange(name string) error {
	if err := os.Rename(n.current, name); err != nil {
		return errors.Join(err, os.Remove(n.next))
	}
	if err := os.Rename(n.next, n.current); err != nil {
		return errors.Join(err, os.Rename(name, n.current))
	}
	return nil
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// part returns the name of a file's compressed copy while it is written.
func (n *names) part(path string) string {
	return filepath.Join(n.dir, "."+filepath.Base(path)+gzipExt+partExt)
}

// entry is a file that was rotated.
type entry struct {
	path  string // without the ending of compressed files
	at    time.Time
	bytes int64
	kind  kind
}

// kind is what a rotated file is.
type kind uint8

const (
	plain kind = iota
	compressed
	part // a compressed copy that is being written, or was left
)

// list returns the rotated files, the oldest first.
func (n *names) list() ([]entry, error) {
	all, err := os.ReadDir(n.dir)
	if err != nil {
		return nil, err
	}
	var found []entry
	for _, d := range all {
		e, ok := n.parse(d.Name())
		if !ok || !d.Type().IsRegular() {
			continue
		}
		info, err := d.Info()
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		e.bytes = info.Size()
		found = append(found, e)
	}
	slices.SortFunc(found, func(a, b entry) int { return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.kind, b.kind)) })
	return found, nil
}

// parse reads the name of a rotated file.
func (n *names) parse(name string) (e entry, ok bool) {
	if rest, hidden := strings.CutPrefix(name, "."); hidden {
		if name, ok = strings.CutSuffix(rest, gzipExt+partExt); !ok {
			return e, false
		}
		e.kind = part
	} else if rest, zipped := strings.CutSuffix(name, gzipExt); zipped {
		name, e.kind = rest, compressed
	}
	e.path = filepath.Join(n.dir, name)
	name, ok = strings.CutPrefix(name, n.stem+"-")
	if !ok {
		return e, false
	}
	if name, ok = strings.CutSuffix(name, n.ext); !ok {
		return e, false
	}
	var err error
	e.at, err = time.Parse(nameTime, name)
	return e, err == nil && len(name) == len(nameTime)
}

// remove deletes a rotated file, which may be gone already.
func (n *names) remove(e *entry) error {
	path := e.path
	switch e.kind {
	case plain:
	case compressed:
		path += gzipExt
	case part:
		path = n.part(e.path)
	}
	if err := os.Remove(path); !os.IsNotExist(err) {
		return err
	}
	return nil
}
