package parquet

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/mirrorsink/mirrorsink/inspect/export/disk"
)

// folder is the open output folder. Several writers, also of other processes, may share it. A writer that finds no other one removes
// the unfinished files of a crashed process.
type folder struct {
	path string
	f    *os.File
}

// openFolder opens a folder, creates it if necessary, and returns how many unfinished files it has removed.
func openFolder(path string) (d *folder, leftovers int, err error) {
	if err := os.MkdirAll(path, 0o750); err != nil {
		return nil, 0, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, err
	}
	if disk.TryLock(f) {
		leftovers, err = removeUnfinished(path)
	}
	disk.ShareLock(f)
	if err == nil {
		err = tryWrite(path)
	}
	if err != nil {
		f.Close()
		return nil, leftovers, err
	}
	return &folder{path: path, f: f}, leftovers, nil
}

func removeUnfinished(dir string) (n int, err error) {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		if name := e.Name(); strings.HasPrefix(name, unfinishedPrefix) && strings.HasSuffix(name, unfinishedSuffix) {
			if err := os.Remove(filepath.Join(dir, name)); err != nil {
				return n, err
			}
			n++
		}
	}
	return n, err
}

// tryWrite checks that files can be created in a folder.
func tryWrite(dir string) error {
	f, err := os.CreateTemp(dir, unfinishedPrefix+"*"+unfinishedSuffix)
	if err != nil {
		return err
	}
	f.Close()
	return os.Remove(f.Name())
}
