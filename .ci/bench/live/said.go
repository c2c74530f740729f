package main

import (
	"bytes"
	"strings"
	"sync"
)

// said is what a program has written so far. It is safe for concurrent use.
type said struct {
	mu   sync.Mutex // guards text
	text bytes.Buffer
}

// Write adds what the program writes.
func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

// lines returns the lines that are whole so far.
func (s *said) lines() string {
	text := s.String()
	return text[:strings.LastIndexByte(text, '\n')+1]
}

// String returns all of it.
func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}
