// Package record forwards the messages between a client and a server, and writes them to a file of testdata/l7.
package record

import (
	"encoding/hex"
	"fmt"
	"log"
	"os"
	"slices"
	"strings"
	"sync"
)

// segmentSize is the payload of an Ethernet segment: one read of at most this size is one segment of the file.
const segmentSize = 1460

// A Recorder forwards the messages between a client and a server, and records them.
type Recorder struct {
	Limit int // segments of each side that are recorded

	mu    sync.Mutex // guards the rest
	lines []string
	count [2]int
}

// add records a segment. Side 0 is the client. A segment is printed in lines of 48 bytes.
func (r *Recorder) add(side int, data []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.count[side]++; r.count[side] > r.Limit {
		return
	}
	mark := "><"[side : side+1]
	for line := range slices.Chunk(data, 48) {
		r.lines = append(r.lines, mark+" "+hex.EncodeToString(line)+"\n")
		mark = " "
	}
}

// Write writes the file, without the section want, which the test adds.
func (r *Recorder) Write(file, about, section string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	text := fmt.Sprintf("%s\n\n-- %s --\n%s", about, section, strings.Join(r.lines, ""))
	Must(os.WriteFile(file, []byte(text), 0o644))
}

// Must ends the program if there is an error.
func Must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
