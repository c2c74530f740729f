package export

import (
	"os"
	"path/filepath"
	"strings"
)

// folder is the folder into which files are written, held open. Writers share it; who finds nobody else there removes what a
// crash has left.
type folder struct {
	path string
	f    *os.File
}

// openFolder opens a folder, makes it if need be, and returns how many unfinished files of a crash it has removed.
func openFolder(path string) (d *folder, leftovers int, err error) {
	if err := os.MkdirAll(path, 0o750); err != nil {
		return nil, 0, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, err
	}
	if lockAlone(f) {
		leftovers, err = removeUnfinished(path)
	}
	shareLock(f)
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

// tryWrite finds out at once whether files can be made in a folder.
func tryWrite(dir string) error {
	f, err := os.CreateTemp(dir, unfinishedPrefix+"*"+unfinishedSuffix)
	if err != nil {
		return err
	}
	f.Close()
	return os.Remove(f.Name())
}
