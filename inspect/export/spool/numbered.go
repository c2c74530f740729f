package spool

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Append writes text to a new file of a spool with numbered files, whose number is above those of all others, and takes it. The file
// appears whole or not at all. An error is a *Failure.
func (s *Spool) Append(text []byte, records int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	number := max(s.last+1, uint64(time.Now().UnixNano())) // the clock may be set back
	path := filepath.Join(s.cfg.Dir, fmt.Sprintf("%020d%s", number, s.cfg.Numbered))
	tmp := path + ".tmp"
	err := os.WriteFile(tmp, text, 0o640)
	if err == nil {
		err = os.Rename(tmp, path)
	}
	if err != nil {
		os.Remove(tmp)
		return DiskFailure("spool", s.cfg.Dir, err)
	}
	s.last = number
	s.Add(path, records)
	return nil
}

// numberOf returns the number in the name of a file, 0 if there is none.
func numberOf(key, suffix string) uint64 {
	n, err := strconv.ParseUint(strings.TrimSuffix(key, suffix), 10, 64)
	if err != nil || n == math.MaxUint64 {
		return 0
	}
	return n
}

// CountLines counts the records of a file with one on each line, for Config.Records.
func CountLines(path string) int {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0
	}
	return bytes.Count(text, []byte{'\n'})
}
