package egress

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/mirrorsink/mirrorsink/inspect/policy/alert"
)

// namesHeader is the first line of a file of names.
const namesHeader = "mirrorsink names 1"

// ReadNames reads the names that an earlier run has learnt; none if there is no file.
func ReadNames(file string) (alert.Names, error) {
	f, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		return alert.Names{}, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	names := alert.Names{}
	lines := bufio.NewScanner(f)
	for number := 1; lines.Scan(); number++ {
		if err := readName(names, number, lines.Text()); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", file, number, err)
		}
	}
	return names, lines.Err()
}

// readName reads a line: when the name was seen last, the workload and the name, in quotes.
func readName(names alert.Names, number int, line string) error {
	if number == 1 {
		if line != namesHeader {
			return errors.New("this is no file of names")
		}
		return nil
	}
	parts := strings.Split(line, "\t")
	if len(parts) != 3 {
		return errors.New("want a time, a workload and a name")
	}
	at, err := strconv.ParseInt(parts[0], 10, 64)
	if err != nil {
		return errors.New("want a time in seconds")
	}
	workload, err := strconv.Unquote(parts[1])
	if err != nil {
		return errors.New("want a workload in quotes")
	}
	name, err := strconv.Unquote(parts[2])
	if err != nil {
		return errors.New("want a name in quotes")
	}
	names[alert.NameKey{Workload: workload, Name: name}] = at
	return nil
}

// WriteNames replaces a file of names, all at once.
func WriteNames(file string, names alert.Names) (err error) {
	f, err := os.CreateTemp(filepath.Dir(file), filepath.Base(file)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	if err := errors.Join(printNames(f, names), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), file)
}

func printNames(to io.Writer, names alert.Names) error {
	w := bufio.NewWriter(to)
	fmt.Fprintln(w, namesHeader)
	for k, at := range names {
		fmt.Fprintf(w, "%d\t%q\t%q\n", at, k.Workload, k.Name)
	}
	return w.Flush()
}
