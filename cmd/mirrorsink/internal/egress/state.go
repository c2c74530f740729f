package egress

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"github.com/mirrorsink/mirrorsink/inspect/policy/alert"
)

// The first line of a file of state is its version. In version 1 there are names only, on lines without a first word.
const (
	stateHeader = "mirrorsink state 2"
	namesHeader = "mirrorsink names 1"
)

// longestLine bounds a line of the file: an alert has at most some texts of a few hundred bytes.
const longestLine = 64 << 10

// ReadState reads what an earlier run has saved, nothing if there is no file or it is empty. At most limit bytes are read. damaged is how
// many lines were left out, since they cannot be read or are past the limit. A file that is not ours, or of a newer version, is an error.
func ReadState(file string, limit int64) (s alert.Saved, damaged int, err error) {
	s = alert.Saved{Names: map[alert.NameKey]int64{}, Began: map[string]int64{}}
	f, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		return s, 0, nil
	}
	if err != nil {
		return s, 0, err
	}
	defer f.Close()
	bounded := &io.LimitedReader{R: f, N: limit}
	lines := bufio.NewScanner(bounded)
	lines.Buffer(nil, longestLine)
	header := ""
	for lines.Scan() {
		line := lines.Text()
		switch {
		case header == "":
			if header = line; header != stateHeader && header != namesHeader {
				return s, 0, fmt.Errorf("%s is no state of this version: its first line is not %q", file, stateHeader)
			}
		case !readLine(&s, header, line):
			damaged++
		}
	}
	switch err := lines.Err(); {
	case header == "" && err != nil:
		return s, 0, fmt.Errorf("%s is no state of this version: its first line is not %q", file, stateHeader)
	case errors.Is(err, bufio.ErrTooLong), err == nil && bounded.N == 0:
		damaged++ // and what follows
	case err != nil:
		return s, 0, err
	}
	return s, damaged, nil
}

// readLine reads a line of fields that are separated by tabs.
func readLine(s *alert.Saved, header, line string) bool {
	if header == namesHeader {
		return readName(s, strings.Split(line, "\t"))
	}
	word, rest, _ := strings.Cut(line, "\t")
	switch word {
	case "name":
		return readName(s, strings.Split(rest, "\t"))
	case "workload":
		return readWorkload(s, strings.Split(rest, "\t"))
	case "alert":
		o, ok := alert.DecodeOpen([]byte(rest))
		if ok {
			s.Open = append(s.Open, *o)
		}
		return ok
	default:
		return false
	}
}

// readName reads when a name was seen last, the workload and the name.
func readName(s *alert.Saved, fields []string) bool {
	if len(fields) != 3 {
		return false
	}
	at, err := strconv.ParseInt(fields[0], 10, 64)
	workload, err1 := strconv.Unquote(fields[1])
	name, err2 := strconv.Unquote(fields[2])
	if errors.Join(err, err1, err2) != nil {
		return false
	}
	s.Names[alert.NameKey{Workload: workload, Name: name}] = at
	return true
}

// readWorkload reads when a workload was seen first, and the workload.
func readWorkload(s *alert.Saved, fields []string) bool {
	if len(fields) != 2 {
		return false
	}
	at, err := strconv.ParseInt(fields[0], 10, 64)
	workload, err1 := strconv.Unquote(fields[1])
	if errors.Join(err, err1) != nil {
		return false
	}
	s.Began[workload] = at
	return true
}

// WriteState replaces a file of state, all at once: also if the machine stops meanwhile there is the old one or the new one.
func WriteState(file string, s *alert.Saved) (err error) {
	tmp := file + ".tmp"
	if err := os.Remove(tmp); err != nil && !errors.Is(err, fs.ErrNotExist) { // of a run that was killed
		return err
	}
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if err = errors.Join(printState(f, s), f.Sync(), f.Close()); err == nil {
		err = os.Rename(tmp, file)
	}
	if err != nil {
		return errors.Join(err, os.Remove(tmp))
	}
	return nil
}

func printState(to io.Writer, s *alert.Saved) error {
	w := bufio.NewWriter(to)
	fmt.Fprintln(w, stateHeader)
	for workload, at := range s.Began {
		fmt.Fprintf(w, "workload\t%d\t%q\n", at, workload)
	}
	for i := range s.Open {
		fmt.Fprintf(w, "alert\t%s\n", s.Open[i].Encode())
	}
	for k, at := range s.Names {
		fmt.Fprintf(w, "name\t%d\t%q\t%q\n", at, k.Workload, k.Name)
	}
	return w.Flush()
}
