// Package input reads flow records from files: Parquet and flow log lines, of this program and of AWS, and EVE lines. It
// detects the format from the content. It returns each record in turn and neither filters nor counts.
package input

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// File is one input file.
type File struct {
	Name       string // - is standard input
	Size       int64  // 0 if it is not known
	FromFolder bool   // found in a folder, which may hold other kinds of files too
}

// List returns the named files, and the files in the named folders and their subfolders, sorted by name within each folder.
// It skips names that begin with . or _ and names that end with .tmp: writers give such names to incomplete files.
func List(names []string) (files []File, failures []error) {
	for _, name := range names {
		if name == "-" {
			files = append(files, File{Name: name})
			continue
		}
		info, err := os.Stat(name)
		switch {
		case err != nil:
			failures = append(failures, withoutCall(name, err))
		case !info.IsDir():
			files = append(files, File{Name: name, Size: info.Size()})
		default:
			failures = append(failures, walk(name, &files)...)
		}
	}
	return files, failures
}

// withoutCall names the file of an error without the system call that returned it.
func withoutCall(name string, err error) error {
	var failed *fs.PathError
	if errors.As(err, &failed) {
		err = failed.Err
	}
	return fmt.Errorf("%s: %w", name, err)
}

func walk(root string, files *[]File) (failures []error) {
	_ = filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		hidden := name != root && isHidden(filepath.Base(name))
		switch {
		case err != nil:
			failures = append(failures, err)
		case hidden && d.IsDir():
			return fs.SkipDir
		case !hidden && d.Type().IsRegular():
			info, err := d.Info()
			if err != nil {
				failures = append(failures, err)
				return nil
			}
			*files = append(*files, File{Name: name, Size: info.Size(), FromFolder: true})
		}
		return nil
	})
	return failures
}

func isHidden(base string) bool {
	return strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") || strings.HasSuffix(base, ".tmp")
}
