package reader

import (
	"bytes"
	"strings"
	"sync"
)

// output collects the output of a running program. It is safe for concurrent use.
type output struct {
	mu   sync.Mutex // guards text
	text bytes.Buffer
}

// Write implements io.Writer.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

// lines returns the complete lines so far.
func (o *output) lines() string {
	text := o.String()
	return text[:strings.LastIndexByte(text, '\n')+1]
}

// String returns all output so far.
func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}
